/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the inotify events of paths as they come, one a line and unbuffered:
 *
 *     watch [--time] MASK LABEL=PATH...
 *
 * MASK is "all" or names joined by '|'. "ready" is printed when the watches are there. Then each event: the label, the mask's names joined
 * by '|', the name if there is one, and `cookie=N` for moves, where N counts the pairs from 1; with --time, the steady clock in ns before
 * all that. Ends when its standard input does.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"

enum { WATCHES_MAX = 64, COOKIES_MAX = 65536, EVENT_BYTES = 65536 };

static const struct {
	uint32_t mask;
	const char *name;
} names[] = {
    {IN_ACCESS, "ACCESS"},
    {IN_MODIFY, "MODIFY"},
    {IN_ATTRIB, "ATTRIB"},
    {IN_CLOSE_WRITE, "CLOSE_WRITE"},
    {IN_CLOSE_NOWRITE, "CLOSE_NOWRITE"},
    {IN_OPEN, "OPEN"},
    {IN_MOVED_FROM, "MOVED_FROM"},
    {IN_MOVED_TO, "MOVED_TO"},
    {IN_CREATE, "CREATE"},
    {IN_DELETE, "DELETE"},
    {IN_DELETE_SELF, "DELETE_SELF"},
    {IN_MOVE_SELF, "MOVE_SELF"},
    {IN_UNMOUNT, "UNMOUNT"},
    {IN_Q_OVERFLOW, "Q_OVERFLOW"},
    {IN_IGNORED, "IGNORED"},
    {IN_ISDIR, "ISDIR"},
};
enum { NAMES = sizeof(names) / sizeof(*names) };

struct recorder {
	int fd;
	bool shows_time;
	const char *labels[WATCHES_MAX + 1]; /* by watch descriptor, from 1 */
	uint32_t cookies[COOKIES_MAX];
	size_t cookie_count;
};

static uint32_t mask_parse(const char *text)
{
	if (strcmp(text, "all") == 0)
		return IN_ALL_EVENTS;
	uint32_t mask = 0;
	while (*text) {
		size_t size = strcspn(text, "|");
		for (size_t i = 0; i < NAMES; i++)
			if (strlen(names[i].name) == size && strncmp(names[i].name, text, size) == 0)
				mask |= names[i].mask;
		text += size + (text[size] == '|');
	}
	return mask;
}

static size_t cookie_number(struct recorder *recorder, uint32_t cookie)
{
	for (size_t i = 0; i < recorder->cookie_count; i++)
		if (recorder->cookies[i] == cookie)
			return i + 1;
	if (recorder->cookie_count < COOKIES_MAX)
		recorder->cookies[recorder->cookie_count++] = cookie;
	return recorder->cookie_count;
}

static void event_print(struct recorder *recorder, const struct inotify_event *event)
{
	if (recorder->shows_time)
		printf("%" PRIu64 " ", clock_steady_ns());
	printf("%s ", event->wd > 0 ? recorder->labels[event->wd] : "-");
	const char *between = "";
	for (size_t i = 0; i < NAMES; i++) {
		if (!(event->mask & names[i].mask))
			continue;
		printf("%s%s", between, names[i].name);
		between = "|";
	}
	if (event->len)
		printf(" %s", event->name);
	if (event->cookie)
		printf(" cookie=%zu", cookie_number(recorder, event->cookie));
	printf("\n");
}

/* False at the end. */
static bool events_print(struct recorder *recorder)
{
	_Alignas(struct inotify_event) char room[EVENT_BYTES];
	ssize_t size = read(recorder->fd, room, sizeof(room));
	if (size < 0)
		return errno == EINTR;
	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *event = (const struct inotify_event *)(room + at);
		event_print(recorder, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
	fflush(stdout);
	return true;
}

static bool watch_add(struct recorder *recorder, uint32_t mask, char *argument)
{
	char *path = strchr(argument, '=');
	if (!path)
		return false;
	*path++ = 0;
	int watch = inotify_add_watch(recorder->fd, path, mask);
	if (watch < 0 || watch > WATCHES_MAX) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	recorder->labels[watch] = argument;
	return true;
}

int main(int count, char **words)
{
	static struct recorder recorder;
	recorder.shows_time = count > 1 && strcmp(words[1], "--time") == 0;
	char **arguments = words + 1 + recorder.shows_time;
	if (count < 3 + recorder.shows_time)
		return 2;
	recorder.fd = inotify_init1(IN_CLOEXEC);
	for (char **argument = arguments + 1; *argument; argument++)
		if (!watch_add(&recorder, mask_parse(arguments[0]), *argument))
			return 1;
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		struct pollfd polls[] = {{.fd = recorder.fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
		if (poll(polls, 2, -1) < 0 && errno != EINTR)
			return 1;
		if (polls[0].revents && !events_print(&recorder))
			return 1;
		if (polls[1].revents)
			return 0;
	}
}
