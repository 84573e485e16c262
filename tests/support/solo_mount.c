/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filesystem on a solo replica, to try by hand:
 *
 *     solo_mount --data DIR --mount DIR [--reads=local] [--timeout-ms=N]
 *
 * Runs until SIGINT, SIGTERM or an umount. Lines on standard input are what the world does meanwhile:
 *
 *     put KEY VALUE | delete KEY | move FROM TO      as another member would, without a note
 *     weather fair|no-quorum|answers-lost | hold | release
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/role.h"
#include "fs/fs.h"
#include "replica/replica.h"
#include "tests/support/solo.h"

enum { LINE_BYTES = 4096, GONE_POLL_MS = 100, MEMORY_BYTES = 32 << 20 };

struct arguments {
	const char *data, *mount;
	enum fs_reads reads;
	uint64_t timeout_ms;
};

static void remote_do(struct replica *replica, struct kv_op op)
{
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(replica, &command);
	printf("%s revision=%lld\n", err_name(result->err), (long long)result->revision);
	kv_result_free(result);
}

static void weather_set(struct replica *replica, const char *name)
{
	static const char *const names[] = {
	    [SOLO_FAIR] = "fair", [SOLO_NO_QUORUM] = "no-quorum", [SOLO_ANSWERS_LOST] = "answers-lost"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], name) == 0)
			solo_set_weather(replica, (enum solo_weather)i);
}

static void line_do(struct replica *replica, char *line)
{
	char *rest = line, *verb = strsep(&rest, " \n"), *first = strsep(&rest, " \n"), *second = strsep(&rest, "\n");
	struct bytes a = bytes_of_string(first ? first : ""), b = bytes_of_string(second ? second : "");
	if (strcmp(verb, "put") == 0)
		remote_do(replica, (struct kv_op){KV_PUT, {.put = {.key = a, .value = b, .keep_attr = true}}});
	else if (strcmp(verb, "delete") == 0)
		remote_do(replica, (struct kv_op){KV_DELETE, {.del = {.range = {.start = a}}}});
	else if (strcmp(verb, "move") == 0)
		remote_do(replica, (struct kv_op){KV_MOVE, {.move = {.from = a, .to = b}}});
	else if (strcmp(verb, "weather") == 0)
		weather_set(replica, first ? first : "");
	else if (strcmp(verb, "hold") == 0)
		solo_hold(replica);
	else if (strcmp(verb, "release") == 0)
		solo_release(replica);
	else
		printf("unknown: %s\n", verb);
	fflush(stdout);
}

/* Until a signal, an umount from outside, or the end of time. */
static void world_run(struct replica *replica, struct fs *fs, int signal_fd)
{
	struct pollfd polls[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	char line[LINE_BYTES];
	while (!fs_is_gone(fs)) {
		if (poll(polls, 2, GONE_POLL_MS) < 0 && errno != EINTR)
			return;
		if (polls[0].revents)
			return;
		if (polls[1].revents && fgets(line, sizeof(line), stdin))
			line_do(replica, line);
		else if (polls[1].revents)
			polls[1].fd = -1;
	}
}

static enum err mount_run(const struct arguments *arguments, int signal_fd)
{
	struct replica_options replica_options = {
	    .name = "solo",
	    .data_directory = arguments->data,
	    .value_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	    .memory_bytes = MEMORY_BYTES,
	};
	struct fs_options fs_options = {
	    .mount_point = arguments->mount,
	    .root_key = "",
	    .reads = arguments->reads,
	    .read_timeout_ms = arguments->timeout_ms,
	    .write_timeout_ms = arguments->timeout_ms,
	    .file_bytes_max = LIMIT_VALUE_BYTES_DEFAULT,
	    .version = ETCFS_VERSION,
	};
	struct replica *replica;
	struct fs *fs;
	enum err err = replica_open(&replica_options, &replica);
	if (err != ERR_OK)
		return err;
	err = fs_open(&fs_options, replica, &fs);
	if (err == ERR_OK) {
		err = replica_start(replica);
		if (err == ERR_OK)
			err = fs_start(fs);
		if (err == ERR_OK)
			world_run(replica, fs, signal_fd);
		fs_stop(fs);
		replica_stop(replica);
		fs_close(fs);
	}
	replica_close(replica);
	return err;
}

static bool arguments_parse(int count, char **words, struct arguments *ret_arguments)
{
	static const struct option options[] = {
	    {"data", required_argument, NULL, 'd'},
	    {"mount", required_argument, NULL, 'm'},
	    {"reads", required_argument, NULL, 'r'},
	    {"timeout-ms", required_argument, NULL, 't'},
	    {NULL, 0, NULL, 0},
	};
	struct arguments arguments = {.reads = FS_READS_LINEARIZABLE, .timeout_ms = 10000};
	for (int option; (option = getopt_long(count, words, "", options, NULL)) != -1;) {
		if (option == 'd')
			arguments.data = optarg;
		else if (option == 'm')
			arguments.mount = optarg;
		else if (option == 'r')
			arguments.reads = strcmp(optarg, "local") == 0 ? FS_READS_LOCAL : FS_READS_LINEARIZABLE;
		else if (option == 't')
			arguments.timeout_ms = strtoull(optarg, NULL, 10);
		else
			return false;
	}
	*ret_arguments = arguments;
	return arguments.data && arguments.mount;
}

int main(int count, char **words)
{
	int status;
	if (fs_helper_main(count, words, &status))
		return status;
	struct arguments arguments;
	if (!arguments_parse(count, words, &arguments)) {
		fprintf(stderr, "usage: solo_mount --data DIR --mount DIR [--reads=local] [--timeout-ms=N]\n");
		return 2;
	}
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdin, NULL, _IONBF, 0); /* what is buffered would not be polled */
	role_take(&role_main);
	if (file_make_directory(arguments.data, 0700) != ERR_OK)
		return 1;
	return mount_run(&arguments, signalfd(-1, &set, SFD_CLOEXEC)) == ERR_OK ? 0 : 1;
}
