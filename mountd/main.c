/* SPDX-License-Identifier: Apache-2.0 */
/* etcfsd: reads its configuration, runs the node, and waits for a signal. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/role.h"
#include "mountd/config.h"
#include "mountd/node.h"
#include "mountd/readiness.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_IN_THE_WAY = 3, /* a restart does not cure it */

	MAIN_POLL_MS = 1000, /* how soon an umount from outside is noticed, or that the node was removed */
	MAIN_ARENAS_MAX = 2, /* of the allocator: each of more keeps some MiB that only its own thread takes again */
};

/* Whether a manager should try again: systemd's RestartPreventExitStatus= names 2 and 3. */
static int main_exit_status(enum err err)
{
	switch (err) {
	case ERR_OK:
	case ERR_CANCELED: /* somebody told it to stop before it had begun */
		return EXIT_SUCCESS;
	case ERR_LOCKED:
	case ERR_WRONG_CLUSTER:
	case ERR_WRONG_MEMBER:
	case ERR_REMOVED:
	case ERR_FORMAT_NEWER:
	case ERR_PERMISSION:
	case ERR_INVALID:
	case ERR_EXISTS:
	case ERR_NOT_FOUND:
	case ERR_ADDRESS_INVALID:
		return EXIT_IN_THE_WAY;
	case ERR_CONFLICT:
	case ERR_TOO_LARGE:
	case ERR_LIMIT:
	case ERR_BUSY:
	case ERR_UNSUPPORTED:
	case ERR_COMPACTED:
	case ERR_FUTURE:
	case ERR_QUOTA:
	case ERR_LEASE_NOT_FOUND:
	case ERR_LEASE_EXISTS:
	case ERR_DUPLICATE_KEY:
	case ERR_NOT_LEADER:
	case ERR_NO_LEADER:
	case ERR_TIMEOUT:
	case ERR_UNKNOWN_OUTCOME:
	case ERR_STALE_SESSION:
	case ERR_STOPPED:
	case ERR_IO:
	case ERR_NO_SPACE:
	case ERR_CORRUPT:
	case ERR_DAMAGED:
	case ERR_ADDRESS_IN_USE:
	case ERR_UNREACHABLE:
	case ERR_PROTOCOL:
	case ERR_CLOSED:
	case ERR_MOUNT:
		return EXIT_FAILED;
	}
	check(false);
	return EXIT_FAILED;
}

static void main_bound_arenas(void)
{
	if (mallopt(M_ARENA_MAX, MAIN_ARENAS_MAX) != 1)
		log_warn("arenas_kept", "reason=\"the allocator knows no bound\"");
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
static int main_open_signals(void)
{
	sigset_t signals;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* From here on, a second Ctrl-C ends the process as it does any other. */
static void main_let_interrupt_kill(void)
{
	sigset_t interrupt;
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	pthread_sigmask(SIG_UNBLOCK, &interrupt, NULL);
}

static bool main_is_told_to_stop(void *argument)
{
	const int *signals = argument;
	struct pollfd poll_signals = {.fd = *signals, .events = POLLIN};
	return poll(&poll_signals, 1, 0) > 0;
}

/* Until the node is to be stopped. ERR_OK: somebody wants it; else why it cannot go on. */
static enum err main_wait(struct node *node, int signals)
{
	struct pollfd poll_signals = {.fd = signals, .events = POLLIN};
	while (!node_is_unmounted(node)) {
		enum err verdict = node_verdict(node);
		if (verdict != ERR_OK)
			return verdict;
		if (poll(&poll_signals, 1, MAIN_POLL_MS) <= 0)
			continue;
		struct signalfd_siginfo signal;
		if (read(signals, &signal, sizeof signal) != (ssize_t)sizeof signal)
			continue;
		log_info("stopping", "signal=%s", strsignal((int)signal.ssi_signo));
		return ERR_OK;
	}
	log_warn("stopping", "reason=\"the filesystem was unmounted from outside\"");
	return ERR_OK;
}

static int main_run(const struct config *config)
{
	struct node *node;
	log_level_set(config->log_level);
	log_name_set(config->name);
	role_take(&role_main);
	main_bound_arenas();
	main_raise_file_limit();
	umask(077); /* what the data directory holds is for its owner */
	log_info("starting", "version=%s data_dir=%s mount=%s", ETCFS_VERSION, config->data_directory,
	         config->mount_point != NULL ? config->mount_point : "none");
	int signals = main_open_signals(); /* before the first thread */
	struct node_patience patience = {main_is_told_to_stop, &signals};
	enum err err = node_open(config, &patience, &node);
	if (err != ERR_OK)
		return main_exit_status(err);
	err = node_start(node);
	if (err == ERR_OK) {
		readiness_send("READY=1");
		log_info("serving", "mount=%s", config->mount_point != NULL ? config->mount_point : "none");
		err = main_wait(node, signals);
	}
	readiness_send("STOPPING=1");
	main_let_interrupt_kill();
	node_free(node);
	close(signals);
	log_info("stopped", "status=%d", main_exit_status(err));
	return main_exit_status(err);
}

/* What is wrong with the words is wrong usage; what is wrong with the machine may be cured. */
static int main_configure(struct option_set *options, struct config *config, struct problem *problem)
{
	if (config_make(options, config, problem) != ERR_OK)
		return EXIT_USAGE;
	return config_check_machine(config, &options->arena, problem) == ERR_OK ? EXIT_SUCCESS : EXIT_FAILED;
}

static int main_with_options(struct option_set *options, int argc, char **argv)
{
	struct config config;
	struct problem problem;
	int status = EXIT_USAGE;
	if (option_set_read(options, argc, (const char *const *)argv, (const char *const *)environ, &problem) ==
	    ERR_OK) {
		if (option_is_true(options, OPTION_HELP)) {
			option_print_help(stdout);
			return EXIT_SUCCESS;
		}
		if (option_is_true(options, OPTION_VERSION)) {
			printf("etcfsd %s\n", ETCFS_VERSION);
			return EXIT_SUCCESS;
		}
		status = main_configure(options, &config, &problem);
	}
	if (status == EXIT_SUCCESS)
		return main_run(&config);
	fprintf(stderr, "etcfsd: %s\n", problem.text);
	return status;
}

int main(int argc, char **argv)
{
	int status;
	if (fs_helper_main(argc, argv, &status))
		return status;
	struct option_set options;
	option_set_init(&options);
	status = main_with_options(&options, argc, argv);
	option_set_fini(&options);
	return status;
}
