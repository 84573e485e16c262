/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notify role: takes the steps one by one, and has the helper do them.
 *
 * It waits for the helper alone, which may wait for a lock of a directory in which a local call is in flight, for a page that is being read,
 * and for the handlers that answer it. Nothing that those wait for waits for this role, and it can always be killed.
 *
 * What the kernel caches (--reads=local) is made right by the steps themselves: as long as a step for a name is queued nobody is told more
 * than for now (replay_is_pending()), so the kernel's name is either the one before the step, or asked for anew. When it is not, and the
 * step fails, HELPER_LOOK has it asked for.
 */
#include "fs/replay_run.h"

#include <errno.h>
#include <inttypes.h>
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

/* A call without an event. What comes of it is as good as can be had. */
static void helper_look(struct replay *replay, enum helper_kind kind, const struct step_place *place)
{
	struct step step = {.kind = kind, .at = *place};
	int error;
	if (place->name != NULL && step_try(replay, &step, NULL, &error) != ERR_OK)
		log_debug("replay_look", "directory=%" PRIu64 " name=%s", place->directory_id, place->name);
}

/* Tries it, and again after the kernel has asked for the names anew, which is the cure for what it cached of them. */
static int step_tries(struct replay *replay, struct step *step, unsigned *deaths)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
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
		helper_look(replay, HELPER_LOOK, &step->at);
		helper_look(replay, HELPER_LOOK, &step->to);
	}
	return error;
}

static void step_do(struct replay *replay, struct step *step, unsigned *deaths)
{
	int error = step_tries(replay, step, deaths);
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
	struct step part = *step; /* borrows the names and the pins; the link is given back with the whole */
	part.is_refresh = part.is_linked = false;
	part.kind = kind;
	part.object = object;
	step_do(replay, &part, deaths);
}

/* An object that is at another name now is not shown at the one that it left: to remove it there would end it. */
static struct step_object refresh_loser(struct replay *replay, const struct step *step)
{
	struct step_object loser = step->object;
	if (loser.node == NULL)
		return loser;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	if (node_look(replay->options.nodes, loser.node, &arena).state == NODE_GONE)
		return loser;
	return replay_phantom_new(replay, loser.is_directory);
}

/* What is there now, with its type; no id: nothing. */
static struct step_object refresh_winner(struct replay *replay, const struct step *step, mode_t *ret_type)
{
	struct node *node;
	struct stat status;
	*ret_type = 0;
	if (replay->options.child(replay->options.argument, step->at.directory, step->at.name, &node) != ERR_OK)
		return (struct step_object){0};
	if (replay->options.attributes(replay->options.argument, node, &status) == ERR_OK)
		*ret_type = status.st_mode & S_IFMT;
	return (struct step_object){.node = node, .id = node_id(node), .is_directory = S_ISDIR(*ret_type)};
}

/* Many changes of one name: the difference between what was there before them and what is there now. */
static void step_refresh(struct replay *replay, struct step *step, unsigned *deaths)
{
	mode_t type;
	struct step_object now = refresh_winner(replay, step, &type);
	if (step->object.id == now.id && now.id != 0) {
		if (S_ISREG(type))
			step_do_kind(replay, step, HELPER_CONTENT, now, deaths);
		step_do_kind(replay, step, HELPER_ATTR, now, deaths);
	} else {
		if (step->object.id != 0)
			step_do_kind(replay, step, HELPER_REMOVE, refresh_loser(replay, step), deaths);
		if (now.id != 0)
			step_do_kind(replay, step, S_ISREG(type) ? HELPER_CREATE_WRITTEN : HELPER_MAKE, now, deaths);
	}
	node_unpin(replay->options.nodes, now.node);
}

/* ---- what the kernel cached ---- */

static void look_at_node(struct replay *replay, uint64_t id)
{
	char empty[] = "";
	helper_look(replay, HELPER_STAT, &(struct step_place){.directory_id = id, .name = empty});
}

static void look_at_held(struct replay *replay, struct node *node, struct arena *arena)
{
	struct node_look look = node_look(replay->options.nodes, node, arena);
	look_at_node(replay, look.id);
	if (look.parent_id == 0 || replay->options.reads != FS_READS_LOCAL)
		return; /* no name is cached */
	enum name_role role = look.is_directory ? NAME_OF_DIRECTORY : NAME_OF_FILE;
	struct name name = name_of_segment(look.segment, role, look.record_id);
	helper_look(replay, HELPER_LOOK, &(struct step_place){.directory_id = look.parent_id, .name = name.text});
}

static void look_at_everything(struct replay *replay)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct node **held = NULL;
	size_t count = node_held(replay->options.nodes, &held);
	for (size_t at = 0; at < count; at++) {
		look_at_held(replay, held[at], &arena);
		node_unpin(replay->options.nodes, held[at]);
		arena_reset(&arena);
	}
	free(held);
}

static void look_at_stale(struct replay *replay, const struct map *stale)
{
	uint64_t id;
	void *unused;
	for (size_t at = 0; map_next(stale, &at, &id, &unused);)
		look_at_node(replay, id);
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
		bool can = go_on && atomic_load(&replay->helper.pid) != 0;
		if (can && work.all_stale)
			look_at_everything(replay);
		else if (can)
			look_at_stale(replay, &work.stale);
		bool does = can && work.step != NULL && atomic_load(&replay->helper.pid) != 0;
		if (does && work.step->is_refresh)
			step_refresh(replay, work.step, &deaths);
		else if (does)
			step_do(replay, work.step, &deaths);
		work_end(replay, &work);
	} while (go_on);
	helper_process_end(&replay->helper);
	return NULL;
}
