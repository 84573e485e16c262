/* SPDX-License-Identifier: Apache-2.0 */
/* From a change to steps, on the apply role: what watchers are to be told becomes nodes and names while the table still stands before the
 * change, for only then the removed objects have their names; objects that the kernel does not hold yet get their nodes after it. */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "fs/announce.h"
#include "fs/names.h"
#include "fs/replay_state.h"

/* Ids of phantoms, between those that the store gives (a counter) and those of KV_ID_OWN. */
#define PHANTOM_ID_FIRST (UINT64_C(1) << 62)

/* A step, and the objects in it that are to be found, or made, after the table has followed. */
struct prepared {
	struct prepared *next;
	struct step *step;
	struct prepared_object {
		struct bytes key; /* empty: it needs none */
		uint64_t record_id;
	} object, other;
};

struct preparation {
	struct replay *replay;
	struct kv_view *view;
	struct arena *arena;
	struct bytes root;
	int64_t revision; /* of the change */
};

static bool directory_is_there(void *argument, struct bytes prefix, struct kv_directory *ret_directory)
{
	struct preparation *preparation = argument;
	return kv_directory(preparation->view, prefix, ret_directory) == ERR_OK;
}

static struct bytes segment_of(struct bytes key)
{
	size_t parent_size = announce_parent(key).size;
	size_t end = announce_is_directory(key) ? key.size - 1 : key.size;
	return bytes_of(key.data + parent_size, end - parent_size);
}

static enum name_role role_of(struct preparation *preparation, const struct announcement *announcement,
                              struct bytes key)
{
	if (announce_is_directory(key))
		return NAME_OF_DIRECTORY;
	/* Exchanged with a directory, which is at the name only since then. */
	if (announcement->kind == HELPER_EXCHANGE &&
	    announce_is_directory(announcement->key) != announce_is_directory(announcement->to))
		return NAME_OF_FILE;
	char *prefix = arena_format(preparation->arena, "%.*s/", (int)key.size, (const char *)key.data);
	memcpy(prefix, key.data, key.size); /* over a NUL in the key, where the format stopped */
	struct kv_directory directory;
	bool shadowed = kv_directory(preparation->view, bytes_of(prefix, key.size + 1), &directory) == ERR_OK;
	/* A file that a directory took the place of had the plain name. */
	if (announcement->kind == HELPER_REMOVE && shadowed)
		shadowed = directory.create_revision < preparation->revision;
	return shadowed ? NAME_OF_SHADOWED_FILE : NAME_OF_FILE;
}

/* The node of a directory that is there, made if need be, as the kernel may hold an object below it without holding it. */
static struct node *directory_bind(struct preparation *preparation, struct bytes prefix)
{
	struct node_table *nodes = preparation->replay->options.nodes;
	struct node *found = node_find_key(nodes, prefix);
	struct kv_directory directory;
	if (found != NULL && node_id(found) != 0)
		return found;
	node_unpin(nodes, found); /* one that stands there for what is below it only, and has no id yet */
	if (prefix.size <= preparation->root.size || kv_directory(preparation->view, prefix, &directory) != ERR_OK)
		return NULL;
	struct node *parent = directory_bind(preparation, announce_parent(prefix));
	if (parent == NULL)
		return NULL;
	struct node *node = node_bind_anyway(nodes, &(struct node_place){
	                                                .parent = parent,
	                                                .segment = segment_of(prefix),
	                                                .is_directory = true,
	                                                .record_id = directory.id,
	                                                .view_revision = kv_view_revision(preparation->view),
	                                            });
	node_unpin(nodes, parent);
	return node;
}

/* ---- before the table follows ---- */

static bool node_is_held(struct preparation *preparation, struct node *node)
{
	if (node == NULL)
		return false;
	struct node_look look = node_look(preparation->replay->options.nodes, node, preparation->arena);
	return look.id == NODE_ID_ROOT || look.lookups != 0;
}

static struct step_object object_of(struct node *node, bool is_directory)
{
	return (struct step_object){
	    .node = node,
	    .id = node != NULL ? node_id(node) : 0,
	    .is_directory = is_directory,
	};
}

struct step_object replay_phantom_new(struct replay *replay, bool is_directory)
{
	uint64_t id = PHANTOM_ID_FIRST + atomic_fetch_add(&replay->phantoms, 1);
	return (struct step_object){.id = id, .is_directory = is_directory};
}

static bool kind_makes(enum helper_kind kind)
{
	return kind == HELPER_CREATE || kind == HELPER_CREATE_WRITTEN || kind == HELPER_MAKE;
}

/* Finds what the kernel may hold of it. */
static void step_find(struct preparation *preparation, const struct announcement *announcement, struct step *step)
{
	struct node_table *nodes = preparation->replay->options.nodes;
	bool is_root = announcement->key.size <= preparation->root.size;
	step->kind = announcement->kind;
	step->at.directory = node_find_key(nodes, is_root ? announcement->key : announce_parent(announcement->key));
	if (!kind_makes(step->kind))
		step->object.node = node_find_key(nodes, announcement->key);
	if (announcement->to.size == 0)
		return;
	step->to.directory = node_find_key(nodes, announce_parent(announcement->to));
	step->other.node = node_find_key(nodes, announcement->to);
}

static bool step_is_held(struct preparation *preparation, const struct step *step)
{
	return node_is_held(preparation, step->at.directory) || node_is_held(preparation, step->to.directory) ||
	       node_is_held(preparation, step->object.node) || node_is_held(preparation, step->other.node);
}

/* False when the directory is not there. */
static bool place_complete(struct preparation *preparation, const struct announcement *announcement, struct bytes key,
                           struct step_place *place)
{
	bool is_root = key.size <= preparation->root.size;
	if (place->directory == NULL || node_id(place->directory) == 0) {
		node_unpin(preparation->replay->options.nodes, place->directory);
		place->directory = directory_bind(preparation, announce_parent(key));
	}
	if (place->directory == NULL)
		return false;
	place->directory_id = node_id(place->directory);
	struct name name = {0};
	if (!is_root)
		name =
		    name_of_segment(segment_of(key), role_of(preparation, announcement, key), announcement->record_id);
	place->name = memory_dup_string(name.text);
	return true;
}

static uint64_t record_id_of(struct preparation *preparation, struct bytes key, uint64_t record_id)
{
	struct kv_directory directory;
	if (record_id != 0 || !announce_is_directory(key) || kv_directory(preparation->view, key, &directory) != ERR_OK)
		return record_id;
	return directory.id;
}

static void objects_complete(struct preparation *preparation, const struct announcement *announcement,
                             struct prepared *prepared)
{
	struct step *step = prepared->step;
	bool moves = announcement->to.size != 0;
	bool is_directory = announce_is_directory(announcement->key);
	struct bytes object_key = moves ? announcement->to : announcement->key;
	step->object = object_of(step->object.node, is_directory);
	if (step->object.node == NULL && step->kind == HELPER_REMOVE)
		step->object = replay_phantom_new(preparation->replay, is_directory);
	else if (step->object.node == NULL)
		prepared->object = (struct prepared_object){
		    object_key, record_id_of(preparation, object_key, announcement->record_id)};
	if (!moves)
		return;
	bool other_is_directory = announce_is_directory(announcement->to);
	step->other = object_of(step->other.node, other_is_directory);
	if (step->other.node == NULL && step->kind == HELPER_EXCHANGE)
		prepared->other = (struct prepared_object){
		    announcement->key, record_id_of(preparation, announcement->key, announcement->other_id)};
	else if (step->other.node == NULL && announcement->other_id != 0)
		step->other = replay_phantom_new(preparation->replay, other_is_directory);
}

static struct prepared *prepare(struct preparation *preparation, const struct announcement *announcement)
{
	struct step *step = memory_new(sizeof *step);
	step_find(preparation, announcement, step);
	bool moves = announcement->to.size != 0;
	if (!step_is_held(preparation, step) ||
	    !place_complete(preparation, announcement, announcement->key, &step->at) ||
	    (moves && !place_complete(preparation, announcement, announcement->to, &step->to))) {
		step_free(preparation->replay, step);
		return NULL;
	}
	struct prepared *prepared = memory_new(sizeof *prepared);
	prepared->step = step;
	objects_complete(preparation, announcement, prepared);
	return prepared;
}

/* ---- own changes ---- */

static bool step_is_pending(struct replay *replay, const struct step *step)
{
	pthread_mutex_lock(&replay->mutex);
	bool pending = step_queue_is_pending(&replay->queue, step->at.directory_id, step->at.name);
	if (step->to.name != NULL)
		pending |= step_queue_is_pending(&replay->queue, step->to.directory_id, step->to.name);
	replay->counts.repeated += pending;
	pthread_mutex_unlock(&replay->mutex);
	return pending;
}

/* With cached attributes: those that the kernel was told when the call ended are older than the commit's times. */
static void own_invalidate(struct replay *replay, const struct step *step)
{
	replay_invalidate(replay, step->at.directory_id);
	if (step->object.id != 0)
		replay_invalidate(replay, step->object.id);
}

static bool own_is_repeated(struct replay *replay, const struct step *step)
{
	if (replay->options.reads == FS_READS_LOCAL)
		own_invalidate(replay, step);
	return step_is_pending(replay, step);
}

static void prepare_all(struct preparation *preparation, const struct announcements *announcements,
                        enum replay_origin origin)
{
	struct replay *replay = preparation->replay;
	struct prepared **end = &replay->prepared;
	for (size_t at = 0; at < announcements->count; at++) {
		struct prepared *prepared = prepare(preparation, &announcements->list[at]);
		if (prepared == NULL)
			continue;
		if (origin == REPLAY_OWN && !own_is_repeated(replay, prepared->step)) {
			step_free(replay, prepared->step);
			free(prepared);
			continue;
		}
		*end = prepared;
		end = &prepared->next;
	}
}

void replay_changing(struct replay *replay, const struct kv_change *change, const struct note *note,
                     enum replay_origin origin)
{
	check(replay->prepared == NULL);
	bool caches = replay->options.reads == FS_READS_LOCAL;
	if (origin == REPLAY_OWN && !caches && atomic_load(&replay->pending) == 0)
		return;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct preparation preparation = {
	    .replay = replay,
	    .view = kv_view_open(replay->options.kv),
	    .arena = &arena,
	    .root = bytes_of_string(replay->root),
	    .revision = change->revision,
	};
	struct announce_world world = {directory_is_there, &preparation, preparation.root};
	struct announcements announcements = {.arena = &arena};
	announce_change(&world, change, note, &announcements);
	prepare_all(&preparation, &announcements, origin);
	replay->prepared_revision = change->revision;
	kv_view_close(preparation.view);
}

/* ---- after it ---- */

static struct node *object_bind(struct replay *replay, const struct prepared_object *object)
{
	struct node_table *nodes = replay->options.nodes;
	struct node *parent = node_find_key(nodes, announce_parent(object->key));
	if (parent == NULL)
		return NULL;
	struct node *node = node_bind_anyway(nodes, &(struct node_place){
	                                                .parent = parent,
	                                                .segment = segment_of(object->key),
	                                                .is_directory = announce_is_directory(object->key),
	                                                .record_id = object->record_id,
	                                                .revision = replay->prepared_revision,
	                                                .view_revision = replay->prepared_revision,
	                                            });
	node_unpin(nodes, parent);
	return node;
}

/* False when the object has no place: nothing can be told of it. */
static bool object_settle(struct replay *replay, const struct prepared_object *prepared, struct step_object *object)
{
	if (prepared->key.size == 0)
		return true;
	bool is_directory = announce_is_directory(prepared->key);
	*object = object_of(prepared->record_id != 0 ? object_bind(replay, prepared) : NULL, is_directory);
	return object->id != 0;
}

static void step_queue(struct replay *replay, struct step *step)
{
	pthread_mutex_lock(&replay->mutex);
	struct step *absorbed = NULL;
	enum step_pushed pushed = replay->is_off ? STEP_FULL : step_queue_push(&replay->queue, step);
	if (pushed == STEP_FULL && !replay->is_off) {
		if (!replay->is_collapsed) {
			absorbed = step_queue_collapse(&replay->queue);
			replay->is_collapsed = replay->queue.count > STEP_QUEUE_MAX - STEP_QUEUE_ROOM_MIN;
		}
		pushed = step_queue_push(&replay->queue, step);
	}
	replay->counts.coalesced += pushed == STEP_COALESCED;
	replay->counts.dropped += pushed == STEP_FULL;
	replay->all_stale |= pushed == STEP_FULL && replay->options.reads == FS_READS_LOCAL;
	replay_count_pending(replay);
	pthread_cond_signal(&replay->wake);
	pthread_mutex_unlock(&replay->mutex);
	if (pushed != STEP_ADDED)
		step_free(replay, step);
	step_free_all(replay, absorbed);
}

void replay_changed(struct replay *replay)
{
	struct prepared *next = replay->prepared;
	replay->prepared = NULL;
	while (next != NULL) {
		struct prepared *prepared = next;
		next = prepared->next;
		if (object_settle(replay, &prepared->object, &prepared->step->object) &&
		    object_settle(replay, &prepared->other, &prepared->step->other))
			step_queue(replay, prepared->step);
		else
			step_free(replay, prepared->step);
		free(prepared);
	}
}
