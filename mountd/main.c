/* SPDX-License-Identifier: Apache-2.0 */
/* etcfsd: reads its configuration, runs the node, and waits for a signal. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/role.h"
#include "mountd/config.h"
#include "mountd/node.h"
#include "mountd/readiness.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_IN_THE_WAY = 3, /* a restart does not cure it */

	MAIN_POLL_MS = 1000, /* how soon an umount from outside is noticed */
};

/* Whether the manager should try again: systemd's RestartPreventExitStatus= names 2 and 3. */
static int main_exit_status(enum err err)
{
	switch (err) {
	case ERR_OK:
		return EXIT_SUCCESS;
	case ERR_LOCKED:
	case ERR_WRONG_CLUSTER:
	case ERR_WRONG_MEMBER:
	case ERR_FORMAT_NEWER:
	case ERR_PERMISSION:
	case ERR_INVALID:
	case ERR_EXISTS:
	case ERR_NOT_FOUND:
	case ERR_ADDRESS_INVALID:
		return EXIT_IN_THE_WAY;
	default: /* a part may end with any other condition; none of them is permanent */
		return EXIT_FAILED;
	}
}

static void main_raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		log_warn("file_limit_kept", "reason=\"%s\"", strerror(errno));
}

/* Threads inherit the mask, so the signals come to the descriptor alone. */
static int main_open_signals(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, ret_signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, ret_signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* From here on, a second Ctrl-C ends the process as it does any other. */
static void main_let_interrupt_kill(void)
{
	sigset_t interrupt;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
}

static void main_wait(struct node *node, int signals)
{
	struct pollfd poll_signals = {.fd = signals, .events = POLLIN};
	while (!node_is_unmounted(node)) {
		if (poll(&poll_signals, 1, MAIN_POLL_MS) <= 0)
			continue;
		struct signalfd_siginfo signal;
		if (read(signals, &signal, sizeof signal) != (ssize_t)sizeof signal)
			continue;
		log_info("stopping", "signal=%s", strsignal((int)signal.ssi_signo));
		return;
	}
	log_warn("stopping", "reason=\"the filesystem was unmounted from outside\"");
}

static int main_run(const struct config *config)
{
	struct node *node;
	log_level_set(config->log_level);
	log_name_set(config->name);
	role_take(&role_main);
	main_raise_file_limit();
	log_info("starting", "version=%s data_dir=%s mount=%s", ETCFS_VERSION, config->data_directory,
	         config->mount_point != NULL ? config->mount_point : "none");
	enum err err = node_open(config, &node);
	if (err != ERR_OK)
		return main_exit_status(err);
	sigset_t mask;
	int signals = main_open_signals(&mask); /* after the helper's fork, before the first thread */
	err = node_start(node);
	if (err == ERR_OK) {
		readiness_send("READY=1");
		log_info("serving", "mount=%s", config->mount_point != NULL ? config->mount_point : "none");
		main_wait(node, signals);
	}
	readiness_send("STOPPING=1");
	main_let_interrupt_kill();
	node_free(node);
	close(signals);
	log_info("stopped", "status=%d", main_exit_status(err));
	return main_exit_status(err);
}

int main(int argc, char **argv)
{
	struct option_set options;
	struct config config;
	struct problem problem;
	option_set_init(&options);
	enum err err =
	    option_set_read(&options, argc, (const char *const *)argv, (const char *const *)environ, &problem);
	int status = EXIT_SUCCESS;
	if (err == ERR_OK && option_is_true(&options, OPTION_HELP)) {
		option_print_help(stdout);
	} else if (err == ERR_OK && option_is_true(&options, OPTION_VERSION)) {
		printf("etcfsd %s\n", ETCFS_VERSION);
	} else {
		if (err == ERR_OK)
			err = config_make(&options, &config, &problem);
		if (err == ERR_OK)
			err = config_check_machine(&config, &options.arena, &problem);
		if (err != ERR_OK)
			fprintf(stderr, "etcfsd: %s\n", problem.text);
		status = err == ERR_OK ? main_run(&config) : EXIT_USAGE;
	}
	option_set_fini(&options);
	return status;
}
