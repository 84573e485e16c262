/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's requests, answered: names as they were before the step until the request that makes the change has come, then as after it;
 * attributes as they are applied; and no change at all. Nodes are found by their ids again, as a step may end while its request is still
 * being answered (when the helper is killed). */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "fs/replay_state.h"

/* The handle of a file that the helper opened: no pointer and no counter has this value. */
#define REPLAY_HANDLE UINT64_MAX

struct answer {
	enum { ANSWER_ORDINARY, ANSWER_NOTHING, ANSWER_OBJECT } what;
	struct step_object object;
};

static bool is_helper(struct replay *replay, fuse_req_t req)
{
	pid_t pid = atomic_load_explicit(&replay->helper.pid, memory_order_relaxed);
	return pid != 0 && fuse_req_ctx(req)->pid == pid;
}

static bool place_is(const struct step_place *place, fuse_ino_t parent, const char *name)
{
	return place->name != NULL && place->directory_id == parent && strcmp(place->name, name) == 0;
}

static struct answer answer_of(const struct step_object *object)
{
	if (object->id == 0)
		return (struct answer){.what = ANSWER_NOTHING};
	return (struct answer){.what = ANSWER_OBJECT, .object = *object};
}

/* What the helper is to find at one of the step's names. */
static struct answer step_shows(const struct step *step, const struct step_place *place, bool is_hit)
{
	static const struct step_object nothing;
	bool first = place == &step->at;
	switch (step->kind) {
	case HELPER_CREATE:
	case HELPER_CREATE_WRITTEN:
	case HELPER_MAKE:
		return answer_of(is_hit ? &step->object : &nothing);
	case HELPER_REMOVE:
		return answer_of(is_hit ? &nothing : &step->object);
	case HELPER_RENAME:
		if (is_hit)
			return answer_of(first ? &nothing : &step->object);
		return answer_of(first ? &step->object : &step->other);
	case HELPER_EXCHANGE:
		return answer_of(first != is_hit ? &step->object : &step->other);
	case HELPER_CONTENT:
	case HELPER_TRUNCATE:
	case HELPER_ATTR:
		return answer_of(&step->object);
	case HELPER_LOOK:
	case HELPER_STAT:
		return (struct answer){.what = ANSWER_ORDINARY};
	case HELPER_READY:
		break;
	}
	check(!"a step of an unknown kind");
}

static struct answer answer_at(struct replay *replay, fuse_ino_t parent, const char *name)
{
	struct answer answer = {.what = ANSWER_ORDINARY};
	pthread_mutex_lock(&replay->mutex);
	const struct step *step = replay->current;
	if (step != NULL && place_is(&step->at, parent, name))
		answer = step_shows(step, &step->at, replay->is_hit);
	else if (step != NULL && place_is(&step->to, parent, name))
		answer = step_shows(step, &step->to, replay->is_hit);
	pthread_mutex_unlock(&replay->mutex);
	return answer;
}

/* The request that makes the change: true if it is this step's; *ret_object is what to answer with. */
static bool hit(struct replay *replay, fuse_ino_t parent, const char *name, struct step_object *ret_object)
{
	pthread_mutex_lock(&replay->mutex);
	struct step *step = replay->current;
	bool mine = step != NULL && step->kind != HELPER_LOOK && place_is(&step->at, parent, name);
	if (mine) {
		replay->is_hit = true;
		*ret_object = step->object;
		step_queue_unlinked(&replay->queue, step);
	}
	pthread_mutex_unlock(&replay->mutex);
	return mine;
}

static void hit_object(struct replay *replay, fuse_ino_t node)
{
	pthread_mutex_lock(&replay->mutex);
	if (replay->current != NULL && replay->current->object.id == node)
		replay->is_hit = true;
	pthread_mutex_unlock(&replay->mutex);
}

struct stat replay_phantom(uint64_t id, bool is_directory)
{
	return (struct stat){
	    .st_ino = id,
	    .st_mode = is_directory ? S_IFDIR | 0700 : S_IFREG | 0600,
	    .st_nlink = is_directory ? 2 : 1,
	};
}

/* A directory that is gone is asked for as long as something in it is to be removed. */
static bool directory_is_gone(struct replay *replay, struct node *node)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct node_look look = node_look(replay->options.nodes, node, &arena);
	return look.is_directory && look.state == NODE_GONE;
}

/* False: nothing is known of it, not even its type, for which the kernel would take another. */
static bool node_stat_of(struct replay *replay, struct node *node, struct stat *ret_stat)
{
	if (replay->options.attributes(replay->options.argument, node, ret_stat) == ERR_OK)
		return true;
	if (!directory_is_gone(replay, node))
		return false;
	*ret_stat = replay_phantom(node_id(node), true);
	return true;
}

static void reply_node(struct replay *replay, fuse_req_t req, struct step_object object, struct fuse_file_info *info)
{
	struct node *node = node_find(replay->options.nodes, object.id);
	struct fuse_entry_param entry = {.ino = object.id};
	if (node == NULL) {
		entry.attr = replay_phantom(object.id, object.is_directory);
	} else if (!node_stat_of(replay, node, &entry.attr)) {
		fuse_reply_err(req, ESTALE);
		node_unpin(replay->options.nodes, node);
		return;
	}
	if (node != NULL)
		node_looked_up(replay->options.nodes, node);
	int error = info != NULL ? fuse_reply_create(req, &entry, info) : fuse_reply_entry(req, &entry);
	if (error != 0 && node != NULL)
		node_forget(replay->options.nodes, object.id, 1);
	node_unpin(replay->options.nodes, node);
}

static void handle_give(struct fuse_file_info *info)
{
	info->fh = REPLAY_HANDLE;
	info->direct_io = 1;
	info->keep_cache = 0; /* the open drops the pages of the old content, even if mtime and size are as before */
	info->noflush = 1;
}

/* Names on the helper's way to a directory: as they are applied. */
static void lookup_ordinary(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct node *directory = node_find(replay->options.nodes, parent);
	struct node *node = NULL;
	if (directory == NULL || replay->options.child(replay->options.argument, directory, name, &node) != ERR_OK)
		fuse_reply_err(req, ENOENT);
	else
		reply_node(replay, req, (struct step_object){.id = node_id(node)}, NULL);
	node_unpin(replay->options.nodes, node);
	node_unpin(replay->options.nodes, directory);
}

bool replay_lookup(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!is_helper(replay, req))
		return false;
	struct answer answer = answer_at(replay, parent, name);
	switch (answer.what) {
	case ANSWER_ORDINARY:
		lookup_ordinary(replay, req, parent, name);
		break;
	case ANSWER_NOTHING:
		fuse_reply_err(req, ENOENT);
		break;
	case ANSWER_OBJECT:
		reply_node(replay, req, answer.object, NULL);
		break;
	}
	return true;
}

/* A phantom is known to the step that shows it alone. */
static bool phantom_find(struct replay *replay, fuse_ino_t id, struct stat *ret_stat)
{
	pthread_mutex_lock(&replay->mutex);
	const struct step *step = replay->current;
	bool found = step != NULL && (step->object.id == id || step->other.id == id);
	if (found)
		*ret_stat = replay_phantom(id, (step->object.id == id ? &step->object : &step->other)->is_directory);
	pthread_mutex_unlock(&replay->mutex);
	return found;
}

static void reply_attributes(struct replay *replay, fuse_req_t req, fuse_ino_t id)
{
	struct stat status;
	struct node *node = node_find(replay->options.nodes, id);
	if (node != NULL ? node_stat_of(replay, node, &status) : phantom_find(replay, id, &status))
		fuse_reply_attr(req, &status, 0);
	else
		fuse_reply_err(req, ESTALE);
	node_unpin(replay->options.nodes, node);
}

bool replay_getattr(struct replay *replay, fuse_req_t req, fuse_ino_t node)
{
	if (!is_helper(replay, req))
		return false;
	if (node == NODE_ID_ROOT) {
		pthread_mutex_lock(&replay->mutex);
		replay->root_seen = true;
		pthread_mutex_unlock(&replay->mutex);
	}
	reply_attributes(replay, req, node);
	return true;
}

bool replay_setattr(struct replay *replay, fuse_req_t req, fuse_ino_t node)
{
	if (!is_helper(replay, req))
		return false;
	hit_object(replay, node);
	reply_attributes(replay, req, node);
	return true;
}

bool replay_make(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!is_helper(replay, req))
		return false;
	struct step_object object;
	if (hit(replay, parent, name, &object))
		reply_node(replay, req, object, NULL);
	else
		fuse_reply_err(req, EEXIST); /* HELPER_LOOK is done when this comes */
	return true;
}

bool replay_create(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name,
                   struct fuse_file_info *info)
{
	if (!is_helper(replay, req))
		return false;
	struct step_object object;
	if (hit(replay, parent, name, &object)) {
		handle_give(info);
		reply_node(replay, req, object, info);
	} else {
		fuse_reply_err(req, EIO);
	}
	return true;
}

bool replay_remove(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!is_helper(replay, req))
		return false;
	struct step_object object;
	fuse_reply_err(req, hit(replay, parent, name, &object) ? 0 : EIO);
	return true;
}

bool replay_rename(struct replay *replay, fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
                   const char *new_name)
{
	if (!is_helper(replay, req))
		return false;
	struct step_object object;
	fuse_reply_err(req, hit(replay, parent, name, &object) ? 0 : EIO);
	return true;
}

bool replay_open(struct replay *replay, fuse_req_t req, fuse_ino_t node, struct fuse_file_info *info)
{
	if (!is_helper(replay, req))
		return false;
	hit_object(replay, node);
	handle_give(info);
	fuse_reply_open(req, info);
	return true;
}

bool replay_write(fuse_req_t req, size_t size, const struct fuse_file_info *info)
{
	if (info == NULL || info->fh != REPLAY_HANDLE)
		return false;
	fuse_reply_write(req, size);
	return true;
}

static bool reply_done(fuse_req_t req, const struct fuse_file_info *info)
{
	if (info == NULL || info->fh != REPLAY_HANDLE)
		return false;
	fuse_reply_err(req, 0);
	return true;
}

bool replay_flush(fuse_req_t req, const struct fuse_file_info *info)
{
	return reply_done(req, info);
}

bool replay_release(fuse_req_t req, const struct fuse_file_info *info)
{
	return reply_done(req, info);
}
