/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/step_queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/* A directory that has steps, or local calls in flight. */
struct step_lane {
	uint64_t directory;
	size_t steps;
	uint64_t in_flight, ended; /* local calls: now, and since the lane began */
	uint64_t blocked_pass;     /* of the queue: an earlier step of this directory must wait */
};

/* Two names with one hash share this, which only makes both pending. */
struct step_name {
	size_t steps;
	struct step *last; /* the newest that waits; NULL while it only runs */
};

void step_queue_init(struct step_queue *queue)
{
	*queue = (struct step_queue){.count_max = STEP_QUEUE_MAX};
	queue->end = &queue->first;
	map_init(&queue->lanes);
	map_init(&queue->names);
	map_init(&queue->links);
}

static void map_free_values(struct map *map)
{
	uint64_t key;
	void *value;
	for (size_t at = 0; map_next(map, &at, &key, &value);)
		free(value);
	map_fini(map);
}

void step_queue_fini(struct step_queue *queue)
{
	map_free_values(&queue->lanes);
	map_free_values(&queue->names);
	map_fini(&queue->links); /* the values are numbers */
}

/* ---- lanes ---- */

static struct step_lane *lane_get(struct step_queue *queue, uint64_t directory)
{
	struct step_lane *lane = map_find(&queue->lanes, directory);
	if (lane == NULL) {
		lane = memory_new(sizeof *lane);
		lane->directory = directory;
		map_set(&queue->lanes, directory, lane);
	}
	return lane;
}

static void lane_put(struct step_queue *queue, struct step_lane *lane)
{
	if (lane->steps != 0 || lane->in_flight != 0)
		return;
	map_remove(&queue->lanes, lane->directory);
	free(lane);
}

void step_queue_park(struct step_queue *queue, uint64_t directory)
{
	lane_get(queue, directory)->in_flight++;
}

void step_queue_unpark(struct step_queue *queue, uint64_t directory)
{
	struct step_lane *lane = map_find(&queue->lanes, directory);
	check(lane != NULL && lane->in_flight > 0);
	lane->in_flight--;
	lane->ended++;
	lane_put(queue, lane);
}

/* ---- names ---- */

/* FNV-1a, 64 bits; never 0. */
static uint64_t name_hash(uint64_t directory, const char *name)
{
	const uint64_t prime = UINT64_C(1099511628211);
	uint64_t hash = UINT64_C(14695981039346656037);
	for (int shift = 0; shift < 64; shift += 8)
		hash = (hash ^ (directory >> shift & 0xff)) * prime;
	for (; *name != 0; name++)
		hash = (hash ^ (unsigned char)*name) * prime;
	return hash != 0 ? hash : 1;
}

static struct step_name *name_of(const struct step_queue *queue, const struct step_place *place)
{
	return map_find(&queue->names, name_hash(place->directory_id, place->name));
}

static bool place_equals(const struct step_place *left, const struct step_place *right)
{
	return left->name != NULL && left->directory_id == right->directory_id && strcmp(left->name, right->name) == 0;
}

bool step_queue_is_pending(const struct step_queue *queue, uint64_t directory, const char *name)
{
	return map_find(&queue->names, name_hash(directory, name)) != NULL;
}

static void place_enter(struct step_queue *queue, struct step *step, struct step_place *place)
{
	if (place->name == NULL)
		return;
	place->lane = lane_get(queue, place->directory_id);
	place->lane->steps++;
	struct step_name *name = name_of(queue, place);
	if (name == NULL) {
		name = memory_new(sizeof *name);
		map_set(&queue->names, name_hash(place->directory_id, place->name), name);
	}
	name->steps++;
	name->last = step;
}

static void place_leave(struct step_queue *queue, struct step *step, struct step_place *place)
{
	if (place->name == NULL)
		return;
	place->lane->steps--;
	lane_put(queue, place->lane);
	place->lane = NULL;
	struct step_name *name = name_of(queue, place);
	check(name != NULL && name->steps > 0);
	if (name->last == step)
		name->last = NULL;
	if (--name->steps != 0)
		return;
	map_remove(&queue->names, name_hash(place->directory_id, place->name));
	free(name);
}

/* ---- links ---- */

uint32_t step_queue_links(const struct step_queue *queue, uint64_t node)
{
	return (uint32_t)(uintptr_t)map_find(&queue->links, node);
}

/* The file whose name goes: 0 when it is a directory or none, for which the kernel does not count. */
static uint64_t link_of(const struct step *step)
{
	const struct step_object *loser = NULL;
	if (step->is_refresh || step->kind == HELPER_REMOVE)
		loser = &step->object;
	else if (step->kind == HELPER_RENAME)
		loser = &step->other;
	return loser != NULL && !loser->is_directory ? loser->id : 0;
}

static void links_add(struct step_queue *queue, struct step *step)
{
	uint64_t node = link_of(step);
	step->is_linked = node != 0;
	if (node != 0)
		map_set(&queue->links, node, (void *)((uintptr_t)map_find(&queue->links, node) + 1));
}

void step_queue_unlinked(struct step_queue *queue, struct step *step)
{
	if (!step->is_linked)
		return;
	step->is_linked = false;
	uint64_t node = link_of(step);
	uintptr_t count = (uintptr_t)map_remove(&queue->links, node);
	check(count > 0);
	if (count > 1)
		map_set(&queue->links, node, (void *)(count - 1));
}

/* ---- steps ---- */

static void step_enter(struct step_queue *queue, struct step *step)
{
	step->next = NULL;
	*queue->end = step;
	queue->end = &step->next;
	queue->count++;
	place_enter(queue, step, &step->at);
	place_enter(queue, step, &step->to);
	links_add(queue, step);
}

static void step_leave(struct step_queue *queue, struct step *step)
{
	step_queue_unlinked(queue, step);
	place_leave(queue, step, &step->at);
	place_leave(queue, step, &step->to);
}

static struct step *last_at(const struct step_queue *queue, const struct step_place *place)
{
	struct step_name *name = place->name != NULL ? name_of(queue, place) : NULL;
	struct step *last = name != NULL ? name->last : NULL;
	if (last == NULL || (!place_equals(&last->at, place) && !place_equals(&last->to, place)))
		return NULL;
	return last;
}

/* Watchers are told the same by the one that waits. */
static bool step_repeats(const struct step_queue *queue, const struct step *step)
{
	if (step->kind != HELPER_CONTENT && step->kind != HELPER_TRUNCATE && step->kind != HELPER_ATTR)
		return false;
	const struct step *last = last_at(queue, &step->at);
	return last != NULL && last->kind == step->kind && last->object.id == step->object.id;
}

static bool is_refreshed(const struct step_queue *queue, const struct step_place *place)
{
	const struct step *last = last_at(queue, place);
	return last != NULL && last->is_refresh;
}

/* Each of its names waits for a step that will tell what is there then. */
static bool step_is_absorbed(const struct step_queue *queue, const struct step *step)
{
	return is_refreshed(queue, &step->at) && (step->to.name == NULL || is_refreshed(queue, &step->to));
}

enum step_pushed step_queue_push(struct step_queue *queue, struct step *step)
{
	if (step_repeats(queue, step) || step_is_absorbed(queue, step))
		return STEP_COALESCED;
	if (queue->count >= queue->count_max)
		return STEP_FULL;
	step_enter(queue, step);
	return STEP_ADDED;
}

/* ---- too many ---- */

static void object_before(struct step *step)
{
	if (step->kind == HELPER_CREATE || step->kind == HELPER_CREATE_WRITTEN || step->kind == HELPER_MAKE)
		step->object.id = 0; /* the node stays pinned until the step is freed */
	step->is_refresh = true;
}

static struct step *step_split(struct step *step)
{
	if (step->to.name == NULL)
		return NULL;
	struct step *second = memory_new(sizeof *second);
	second->kind = step->kind;
	second->is_refresh = true;
	second->at = step->to;
	second->object = step->other;
	step->to = (struct step_place){0};
	step->other = (struct step_object){0};
	return second;
}

static void refresh_enter(struct step_queue *queue, struct step *step, struct step **absorbed)
{
	if (step == NULL)
		return;
	step->at.ended_wanted = 0;
	if (!is_refreshed(queue, &step->at)) {
		step_enter(queue, step);
		return;
	}
	step->next = *absorbed;
	*absorbed = step;
}

struct step *step_queue_collapse(struct step_queue *queue)
{
	struct step *absorbed = NULL;
	struct step *next = step_queue_clear(queue);
	while (next != NULL) {
		struct step *step = next;
		next = step->next;
		struct step *second = NULL;
		if (!step->is_refresh) {
			object_before(step);
			second = step_split(step);
		}
		refresh_enter(queue, step, &absorbed);
		refresh_enter(queue, second, &absorbed);
	}
	return absorbed;
}

struct step *step_queue_clear(struct step_queue *queue)
{
	struct step *all = queue->first;
	for (struct step *step = all; step != NULL; step = step->next)
		step_leave(queue, step);
	queue->first = NULL;
	queue->end = &queue->first;
	queue->count = 0;
	return all;
}

/* ---- taking ---- */

static bool place_is_parked(struct step_place *place)
{
	struct step_lane *lane = place->lane;
	if (lane == NULL || lane->in_flight == 0)
		return false;
	if (place->ended_wanted == 0)
		place->ended_wanted = lane->ended + lane->in_flight;
	return lane->ended < place->ended_wanted;
}

static void place_block(struct step_queue *queue, struct step_place *place)
{
	if (place->lane != NULL)
		place->lane->blocked_pass = queue->pass;
}

static bool place_is_blocked(const struct step_queue *queue, const struct step_place *place)
{
	return place->lane != NULL && place->lane->blocked_pass == queue->pass;
}

static bool step_must_wait(struct step_queue *queue, struct step *step)
{
	if (place_is_blocked(queue, &step->at) || place_is_blocked(queue, &step->to))
		return true;
	return place_is_parked(&step->at) || place_is_parked(&step->to);
}

/* It waits no longer: nothing can be added to it. */
static void place_take(struct step_queue *queue, struct step *step, struct step_place *place)
{
	struct step_name *name = place->name != NULL ? name_of(queue, place) : NULL;
	if (name != NULL && name->last == step)
		name->last = NULL;
}

struct step *step_queue_take(struct step_queue *queue)
{
	check(queue->running == NULL);
	queue->pass++;
	struct step **link = &queue->first;
	for (size_t scanned = 0; *link != NULL && scanned < STEP_SCAN_MAX; scanned++, link = &(*link)->next) {
		struct step *step = *link;
		if (step_must_wait(queue, step)) {
			place_block(queue, &step->at);
			place_block(queue, &step->to);
			continue;
		}
		*link = step->next;
		if (queue->end == &step->next)
			queue->end = link;
		step->next = NULL;
		queue->count--;
		queue->running = step;
		place_take(queue, step, &step->at);
		place_take(queue, step, &step->to);
		return step;
	}
	return NULL;
}

void step_queue_done(struct step_queue *queue, struct step *step)
{
	check(queue->running == step);
	queue->running = NULL;
	step_leave(queue, step);
}
