/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/warden.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/memory.h"
#include "base/role.h"
#include "base/wait.h"
#include "fs/mountpoint.h"
#include "fs/stage.h"

enum {
	WARDEN_TICK_MS = 200,
	WARDEN_LETTERS_MAX = 65536, /* interrupted calls; their number is bounded by the kernel's requests */
};

struct warden {
	struct fs *fs;
	struct mailbox *mailbox; /* of interrupted calls */
	pthread_t thread;
	bool runs;
	int mountinfo;
	pthread_mutex_t mutex; /* protects what follows; taken under a stage's never */
	pthread_cond_t emptied;
	struct stage **stages; /* to commit; each pins its node */
	size_t count, capacity;
};

struct warden *warden_new(struct fs *fs)
{
	struct warden *warden = memory_new(sizeof *warden);
	warden->fs = fs;
	warden->mailbox = mailbox_new(WARDEN_LETTERS_MAX);
	warden->mountinfo = -1;
	pthread_mutex_init(&warden->mutex, NULL);
	wait_cond_init(&warden->emptied);
	return warden;
}

void warden_free(struct warden *warden)
{
	if (!warden)
		return;
	for (size_t i = 0; i < warden->count; i++)
		node_unpin(warden->fs->nodes, warden->stages[i]->node);
	free(warden->stages);
	mailbox_free(warden->mailbox);
	pthread_cond_destroy(&warden->emptied);
	pthread_mutex_destroy(&warden->mutex);
	free(warden);
}

/* ---- stages ---- */

void warden_add(struct warden *warden, struct stage *stage)
{
	pthread_mutex_lock(&warden->mutex);
	bool is_new = !stage->kept;
	stage->kept = true;
	if (is_new && warden->count == warden->capacity) {
		warden->capacity = warden->capacity ? warden->capacity * 2 : 16;
		warden->stages = memory_resize(warden->stages, warden->capacity, sizeof(struct stage *));
	}
	if (is_new)
		warden->stages[warden->count++] = stage;
	pthread_mutex_unlock(&warden->mutex);
	if (is_new)
		node_pin(warden->fs->nodes, stage->node);
}

void warden_remove(struct warden *warden, struct stage *stage)
{
	pthread_mutex_lock(&warden->mutex);
	/* It may have been written to since the caller looked; that writer's warden_add() is done, or waits for the mutex. */
	bool was = stage->kept && !stage_wants_commit(stage);
	stage->kept = stage->kept && !was;
	for (size_t i = 0; was && i < warden->count; i++)
		if (warden->stages[i] == stage) {
			warden->stages[i] = warden->stages[--warden->count];
			break;
		}
	pthread_cond_broadcast(&warden->emptied);
	pthread_mutex_unlock(&warden->mutex);
	if (was)
		node_unpin(warden->fs->nodes, stage->node);
}

void warden_wait(struct warden *warden, uint64_t deadline_ns)
{
	pthread_mutex_lock(&warden->mutex);
	while (warden->count != 0 && wait_until(&warden->emptied, &warden->mutex, deadline_ns))
		;
	pthread_mutex_unlock(&warden->mutex);
}

/* A copy of the list, pinned. */
static struct stage **warden_list(struct warden *warden, size_t *ret_count)
{
	pthread_mutex_lock(&warden->mutex);
	size_t count = warden->count;
	struct stage **list = memory_new_array(count + 1, sizeof(struct stage *));
	for (size_t i = 0; i < count; i++) {
		list[i] = warden->stages[i];
		node_pin(warden->fs->nodes, list[i]->node);
	}
	pthread_mutex_unlock(&warden->mutex);
	*ret_count = count;
	return list;
}

static void warden_commit_since(struct warden *warden, uint64_t now_ns)
{
	size_t count;
	struct stage **list = warden_list(warden, &count);
	for (size_t i = 0; i < count; i++) {
		if (stage_is_idle(list[i], now_ns) && !stage_commit(list[i], NULL))
			warden_remove(warden, list[i]); /* it has nothing to commit any more */
		node_unpin(warden->fs->nodes, list[i]->node);
	}
	free(list);
}

void warden_commit_all(struct warden *warden)
{
	warden_commit_since(warden, UINT64_MAX);
}

/* ---- the thread ---- */

void warden_cancel(struct warden *warden, struct call *call)
{
	mailbox_post_always(warden->mailbox, &call->letter);
}

/* proc(5): the file of mounts polls as POLLERR | POLLPRI when they change. The session itself notices only when the helper, which holds
 * the filesystem too, has let go of it. */
static void warden_look_at_mounts(struct warden *warden)
{
	struct pollfd poll_for = {.fd = warden->mountinfo, .events = POLLPRI};
	if (warden->mountinfo < 0 || poll(&poll_for, 1, 0) <= 0)
		return;
	char drain[4096];
	while (read(warden->mountinfo, drain, sizeof drain) > 0)
		;
	lseek(warden->mountinfo, 0, SEEK_SET);
	struct fs *fs = warden->fs;
	if (mountpoint_is_ours(fs->options.mount_point) || atomic_exchange(&fs->gone, true))
		return;
	log_info("unmounted", "mount=%s by=others", fs->options.mount_point);
	replay_stop(fs->replay);
}

static void *warden_run(void *argument)
{
	struct warden *warden = argument;
	role_take(&role_fuse);
	while (!mailbox_is_stopped(warden->mailbox)) {
		uint64_t until_ns = clock_steady_ns() + WARDEN_TICK_MS * CLOCK_NS_PER_MS;
		struct mailbox_letter *letters = mailbox_drain(warden->mailbox, until_ns);
		while (letters) {
			struct mailbox_letter *next = letters->next;
			call_cancel((struct call *)letters);
			letters = next;
		}
		warden_commit_since(warden, clock_steady_ns());
		warden_look_at_mounts(warden);
	}
	return NULL;
}

enum err warden_start(struct warden *warden)
{
	warden->mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int failed = pthread_create(&warden->thread, NULL, warden_run, warden);
	warden->runs = failed == 0;
	if (failed == 0)
		return ERR_OK;
	log_error("thread_failed", "name=warden error=%s", strerror(failed));
	return err_from_errno(failed);
}

void warden_stop(struct warden *warden)
{
	mailbox_stop(warden->mailbox);
	if (warden->runs)
		pthread_join(warden->thread, NULL);
	warden->runs = false;
	if (warden->mountinfo >= 0)
		close(warden->mountinfo);
	warden->mountinfo = -1;
	struct mailbox_letter *letters = mailbox_drain(warden->mailbox, 0);
	while (letters) {
		struct mailbox_letter *next = letters->next;
		call_cancel((struct call *)letters);
		letters = next;
	}
}
