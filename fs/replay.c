/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/role.h"
#include "fs/helper.h"
#include "fs/replay_run.h"
#include "fs/replay_state.h"

struct replay *replay_new(const struct replay_options *options)
{
	struct replay *replay = memory_new(sizeof *replay);
	replay->options = *options;
	replay->options.mount_point = memory_dup_string(options->mount_point);
	replay->root = memory_format("%s/", options->root_key);
	replay->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	check(replay->stop >= 0);
	replay->helper = (struct helper_process){.socket = -1, .stop = replay->stop};
	pthread_mutex_init(&replay->stop_mutex, NULL);
	pthread_mutex_init(&replay->mutex, NULL);
	pthread_cond_init(&replay->wake, NULL);
	map_init(&replay->stale);
	step_queue_init(&replay->queue);
	return replay;
}

void replay_free(struct replay *replay)
{
	check(!replay->is_started);
	step_free_all(replay, step_queue_clear(&replay->queue));
	step_queue_fini(&replay->queue);
	map_fini(&replay->stale);
	pthread_cond_destroy(&replay->wake);
	pthread_mutex_destroy(&replay->mutex);
	pthread_mutex_destroy(&replay->stop_mutex);
	close(replay->stop);
	free(replay->root);
	free((char *)replay->options.mount_point);
	free(replay);
}

enum err replay_start(struct replay *replay)
{
	if (pthread_create(&replay->thread, NULL, replay_run, replay) != 0) {
		log_error("replay_thread", "reason=\"%s\"", strerror(errno));
		return ERR_LIMIT;
	}
	replay->is_started = true;
	return ERR_OK;
}

/* Two may want it at once: who lets go of the mount, and who sees that it is gone. Both return when the helper has ended. */
void replay_stop(struct replay *replay)
{
	pthread_mutex_lock(&replay->stop_mutex);
	if (replay->is_started) {
		pthread_mutex_lock(&replay->mutex);
		replay->is_stopping = replay->is_off = true;
		pthread_cond_signal(&replay->wake);
		pthread_mutex_unlock(&replay->mutex);
		const uint64_t one = 1;
		check(write(replay->stop, &one, sizeof one) == (ssize_t)sizeof one);
		pthread_join(replay->thread, NULL);
		replay->is_started = false;
	}
	pthread_mutex_unlock(&replay->stop_mutex);
}

void replay_replaced(struct replay *replay)
{
	pthread_mutex_lock(&replay->mutex);
	replay->all_stale = true;
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->mutex);
}

void replay_invalidate(struct replay *replay, fuse_ino_t node)
{
	pthread_mutex_lock(&replay->mutex);
	if (replay->stale.count >= REPLAY_STALE_MAX)
		replay->all_stale = true;
	else
		map_set(&replay->stale, node, replay);
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->mutex);
}

void replay_park(struct replay *replay, fuse_ino_t directory)
{
	pthread_mutex_lock(&replay->mutex);
	step_queue_park(&replay->queue, directory);
	pthread_mutex_unlock(&replay->mutex);
}

void replay_unpark(struct replay *replay, fuse_ino_t directory)
{
	pthread_mutex_lock(&replay->mutex);
	step_queue_unpark(&replay->queue, directory);
	if (replay->queue.count != 0)
		pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->mutex);
}

bool replay_is_pending(struct replay *replay, fuse_ino_t parent, const char *name)
{
	if (atomic_load(&replay->pending) == 0)
		return false;
	pthread_mutex_lock(&replay->mutex);
	bool pending = step_queue_is_pending(&replay->queue, parent, name);
	pthread_mutex_unlock(&replay->mutex);
	return pending;
}

uint32_t replay_links(struct replay *replay, fuse_ino_t node)
{
	if (atomic_load(&replay->pending) == 0)
		return 0;
	pthread_mutex_lock(&replay->mutex);
	uint32_t links = step_queue_links(&replay->queue, node);
	pthread_mutex_unlock(&replay->mutex);
	return links;
}

void replay_count_pending(struct replay *replay)
{
	atomic_store(&replay->pending, replay->queue.count + (replay->queue.running != NULL));
	if (replay->queue.count == 0)
		replay->is_collapsed = false;
}

void replay_counts(struct replay *replay, struct replay_counts *ret_counts)
{
	pthread_mutex_lock(&replay->mutex);
	*ret_counts = replay->counts;
	ret_counts->waiting = replay->queue.count;
	pthread_mutex_unlock(&replay->mutex);
}

void step_free(struct replay *replay, struct step *step)
{
	struct node_table *nodes = replay->options.nodes;
	node_unpin(nodes, step->at.directory);
	node_unpin(nodes, step->to.directory);
	node_unpin(nodes, step->object.node);
	node_unpin(nodes, step->other.node);
	free(step->at.name);
	free(step->to.name);
	free(step);
}

void step_free_all(struct replay *replay, struct step *first)
{
	while (first != NULL) {
		struct step *step = first;
		first = step->next;
		step_free(replay, step);
	}
}
