/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notify role: takes the steps one by one, has the kernel forget what it cached of their objects, and has the helper do them.
 *
 * It may wait: for a lock of a directory in which a local call is in flight (in the helper's system call, or in an invalidation), and for the
 * handlers that answer the helper. Nothing that those wait for waits for it.
 */
#include "fs/replay_run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/role.h"
#include "fs/helper.h"
#include "fs/names.h"
#include "fs/replay_state.h"

enum {
	STEP_TRIES_MAX = 3,
	HELPER_DEATHS_MAX = 5, /* in a row, without a step done between them: then another one would not live either */
};

/* ---- what the kernel cached ---- */

/* Its attributes; pages go when the kernel sees by them that the content is another (FUSE_AUTO_INVAL_DATA), or at the next open. Dropping
 * pages here would wait for their locks, which a WRITE holds while it waits for its commit: and a daemon that is killed in there stays,
 * with everybody who uses the mount. */
static void forget_node(struct replay *replay, uint64_t id)
{
	fuse_lowlevel_notify_inval_inode(replay->session, id, -1, 0); /* ENOENT: it did not know it */
}

static void forget_name(struct replay *replay, const struct step_place *place)
{
	if (place->name != NULL && place->name[0] != 0)
		fuse_lowlevel_notify_inval_entry(replay->session, place->directory_id, place->name,
		                                 strlen(place->name));
}

static bool kind_changes_content(enum helper_kind kind)
{
	return kind == HELPER_CONTENT || kind == HELPER_TRUNCATE;
}

static void forget_before(struct replay *replay, const struct step *step)
{
	if (kind_changes_content(step->kind))
		forget_node(replay, step->object.id);
	if (replay->options.reads != FS_READS_LOCAL)
		return; /* no name and no attribute is cached */
	if (step->kind == HELPER_ATTR) {
		forget_node(replay, step->object.id);
		return;
	}
	if (kind_changes_content(step->kind))
		return;
	forget_name(replay, &step->at);
	forget_name(replay, &step->to);
	if (step->object.id != 0)
		forget_node(replay, step->object.id);
}

static void forget_held(struct replay *replay, struct node *node, struct arena *arena)
{
	struct node_look look = node_look(replay->options.nodes, node, arena);
	forget_node(replay, look.id);
	if (look.parent_id == 0)
		return;
	struct step_place place = {.directory_id = look.parent_id};
	struct name name = name_of_segment(look.segment, look.is_directory ? NAME_OF_DIRECTORY : NAME_OF_FILE, look.id);
	place.name = name.text;
	forget_name(replay, &place);
}

static void forget_everything(struct replay *replay)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct node **held = NULL;
	size_t count = node_held(replay->options.nodes, &held);
	for (size_t at = 0; at < count; at++) {
		forget_held(replay, held[at], &arena);
		node_unpin(replay->options.nodes, held[at]);
		arena_reset(&arena);
	}
	free(held);
}

static void forget_stale(struct replay *replay, const struct map *stale)
{
	uint64_t id;
	void *unused;
	for (size_t at = 0; map_next(stale, &at, &id, &unused);)
		forget_node(replay, id);
}

/* ---- the helper ---- */

static void off(struct replay *replay)
{
	pthread_mutex_lock(&replay->mutex);
	replay->is_off = true;
	struct step *queued = step_queue_clear(&replay->queue);
	replay_count_pending(replay);
	pthread_mutex_unlock(&replay->mutex);
	step_free_all(replay, queued);
}

static bool helper_is_ours(struct replay *replay)
{
	pthread_mutex_lock(&replay->mutex);
	bool ours = replay->root_seen;
	replay->root_seen = false;
	replay->counts.helper_starts++;
	pthread_mutex_unlock(&replay->mutex);
	if (!ours)
		log_error("replay_helper_elsewhere", "mount=%s reason=\"something else is mounted over it\"",
		          replay->options.mount_point);
	return ours;
}

static void helper_begin(struct replay *replay)
{
	if (helper_process_start(&replay->helper, replay->options.mount_point) == ERR_OK && helper_is_ours(replay))
		return;
	helper_process_end(&replay->helper);
	off(replay);
}

/* It ended: another one, unless the mount is gone or they all end. */
static void helper_replace(struct replay *replay, unsigned *deaths)
{
	int status = helper_process_end(&replay->helper);
	if (WIFEXITED(status) && WEXITSTATUS(status) == HELPER_EXIT_UNMOUNTED) {
		log_info("replay_unmounted", "mount=%s", replay->options.mount_point);
		off(replay);
		return;
	}
	log_warn("replay_helper_ended", "mount=%s status=%d", replay->options.mount_point, status);
	if (++*deaths < HELPER_DEATHS_MAX) {
		helper_begin(replay);
		return;
	}
	log_error("replay_off", "mount=%s reason=\"the helper does not live\"", replay->options.mount_point);
	off(replay);
}

/* ---- one step ---- */

static mode_t step_type(struct replay *replay, const struct step *step)
{
	struct stat status;
	if (step->kind == HELPER_MAKE && step->object.node != NULL &&
	    replay->options.attributes(replay->options.argument, step->object.node, &status) == ERR_OK)
		return status.st_mode & S_IFMT;
	return step->object.is_directory ? S_IFDIR : S_IFREG;
}

static void current_set(struct replay *replay, struct step *step)
{
	pthread_mutex_lock(&replay->mutex);
	replay->current = step;
	replay->is_hit = false;
	pthread_mutex_unlock(&replay->mutex);
}

static bool current_end(struct replay *replay)
{
	pthread_mutex_lock(&replay->mutex);
	bool hit = replay->is_hit;
	replay->current = NULL;
	pthread_mutex_unlock(&replay->mutex);
	return hit;
}

/* The path of a directory below the mount, as names; NULL when it has none, or one too long for a system call. */
static const char *directory_path(struct replay *replay, struct node *directory, struct arena *arena)
{
	struct bytes key;
	int64_t revision;
	if (directory == NULL || node_key(replay->options.nodes, directory, arena, &key, &revision) != ERR_OK)
		return NULL;
	char *path = arena_take(arena, HELPER_PATH_BYTES + 1);
	size_t size = 0;
	for (struct bytes rest = bytes_from(key, strlen(replay->root)); rest.size != 0;) {
		size_t length = (size_t)((const uint8_t *)memchr(rest.data, '/', rest.size) - rest.data);
		struct name name = name_of_segment(bytes_of(rest.data, length), NAME_OF_DIRECTORY, 0);
		size_t name_size = strlen(name.text);
		if (size + name_size + 1 > HELPER_PATH_BYTES)
			return NULL;
		memcpy(path + size, name.text, name_size);
		path[size + name_size] = '/';
		size += name_size + 1;
		rest = bytes_from(rest, length + 1);
	}
	path[size] = 0;
	return path;
}

static struct helper_place place_of(struct replay *replay, const struct step_place *place, struct arena *arena)
{
	const char *path = arena != NULL ? directory_path(replay, place->directory, arena) : NULL;
	return (struct helper_place){
	    .directory = place->directory_id,
	    .path = path != NULL ? path : "",
	    .name = place->name != NULL ? place->name : "",
	};
}

/* Asks once; paths only if there is an arena for them. *ret_error is 0 when the event was raised, whatever followed. */
static enum err step_try(struct replay *replay, struct step *step, struct arena *arena, int *ret_error)
{
	struct helper_call call = {
	    .kind = step->kind,
	    .type = step_type(replay, step),
	    .at = place_of(replay, &step->at, arena),
	    .to = place_of(replay, &step->to, arena),
	};
	int error = EIO;
	current_set(replay, step);
	enum err err = helper_process_ask(&replay->helper, &call, &error);
	bool hit = current_end(replay);
	*ret_error = hit ? 0 : error;
	return err;
}

/* Errors are those of names that changed under it: forgetting them is the cure, and at the end it leaves no stale name behind. */
static void step_do(struct replay *replay, struct step *step, unsigned *deaths)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	forget_before(replay, step);
	int error = 0;
	for (int tries = 0; tries < STEP_TRIES_MAX; tries++) {
		enum err err = step_try(replay, step, error == ESTALE ? &arena : NULL, &error);
		if (err == ERR_STOPPED || err == ERR_TOO_LARGE)
			break;
		if (err != ERR_OK) {
			helper_replace(replay, deaths);
			if (atomic_load(&replay->helper.pid) == 0)
				break;
			continue;
		}
		*deaths = 0;
		if (error == 0)
			break;
		forget_name(replay, &step->at);
		forget_name(replay, &step->to);
	}
	if (error != 0)
		log_debug("replay_failed", "kind=%d name=%s error=\"%s\"", (int)step->kind, step->at.name,
		          strerror(error));
	pthread_mutex_lock(&replay->mutex);
	replay->counts.replayed += error == 0;
	replay->counts.failed += error != 0;
	pthread_mutex_unlock(&replay->mutex);
}

static void step_do_kind(struct replay *replay, const struct step *step, enum helper_kind kind,
                         struct step_object object, unsigned *deaths)
{
	struct step part = *step; /* borrows the names and the pins */
	part.is_refresh = part.is_linked = false;
	part.kind = kind;
	part.object = object;
	step_do(replay, &part, deaths);
}

/* Many changes of one name: the difference between what was there before them and what is there now. */
static void step_refresh(struct replay *replay, struct step *step, unsigned *deaths)
{
	pthread_mutex_lock(&replay->mutex);
	step_queue_unlinked(&replay->queue, step);
	pthread_mutex_unlock(&replay->mutex);
	struct node *now = NULL;
	if (replay->options.child(replay->options.argument, step->at.directory, step->at.name, &now) != ERR_OK)
		now = NULL;
	struct step_object object = {.node = now, .id = now != NULL ? node_id(now) : 0};
	struct stat status;
	if (now != NULL && replay->options.attributes(replay->options.argument, now, &status) == ERR_OK)
		object.is_directory = S_ISDIR(status.st_mode);
	if (step->object.id != 0 && step->object.id != object.id)
		step_do_kind(replay, step, HELPER_REMOVE, step->object, deaths);
	if (object.id != 0 && step->object.id != object.id)
		step_do_kind(replay, step, object.is_directory ? HELPER_MAKE : HELPER_CREATE_WRITTEN, object, deaths);
	if (object.id != 0 && step->object.id == object.id && !object.is_directory)
		step_do_kind(replay, step, HELPER_CONTENT, object, deaths);
	if (object.id != 0 && step->object.id == object.id)
		step_do_kind(replay, step, HELPER_ATTR, object, deaths);
	node_unpin(replay->options.nodes, now);
}

/* ---- the role ---- */

struct work {
	struct step *step;
	struct map stale;
	bool all_stale;
};

/* Waits for something to do; false to stop. */
static bool work_wait(struct replay *replay, struct work *ret_work)
{
	struct work work = {0};
	map_init(&work.stale);
	pthread_mutex_lock(&replay->mutex);
	for (;;) {
		work.step = step_queue_take(&replay->queue);
		if (work.step != NULL || replay->stale.count != 0 || replay->all_stale || replay->is_stopping)
			break;
		pthread_cond_wait(&replay->wake, &replay->mutex);
	}
	work.all_stale = replay->all_stale;
	replay->all_stale = false;
	struct map empty = work.stale;
	work.stale = replay->stale;
	replay->stale = empty;
	replay_count_pending(replay);
	bool go_on = !replay->is_stopping;
	pthread_mutex_unlock(&replay->mutex);
	*ret_work = work;
	return go_on;
}

static void work_end(struct replay *replay, struct work *work)
{
	map_fini(&work->stale);
	if (work->step == NULL)
		return;
	pthread_mutex_lock(&replay->mutex);
	step_queue_done(&replay->queue, work->step);
	replay_count_pending(replay);
	pthread_mutex_unlock(&replay->mutex);
	step_free(replay, work->step);
}

void *replay_run(void *argument)
{
	struct replay *replay = argument;
	role_take(&role_notify);
	helper_begin(replay);
	unsigned deaths = 0;
	struct work work;
	bool go_on;
	do {
		go_on = work_wait(replay, &work);
		if (work.all_stale && go_on)
			forget_everything(replay);
		else if (go_on)
			forget_stale(replay, &work.stale);
		bool does = work.step != NULL && go_on && atomic_load(&replay->helper.pid) != 0;
		if (does && work.step->is_refresh)
			step_refresh(replay, work.step, &deaths);
		else if (does)
			step_do(replay, work.step, &deaths);
		work_end(replay, &work);
	} while (go_on);
	helper_process_end(&replay->helper);
	return NULL;
}
