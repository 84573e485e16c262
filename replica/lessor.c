/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/lessor.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"

enum lessor_doing { DOING_NOTHING, DOING_CHECKPOINT, DOING_END };

struct lease {
	int64_t id, ttl_ms, left_ms; /* left: as the state says */
	uint64_t deadline_ns;
	uint64_t due_ns; /* when it is looked at next; not after there is something to do */
	size_t at;       /* in the heap */
	enum lessor_doing doing;
	bool kept;     /* alive by this leader, since a checkpoint */
	bool clearing; /* somebody waits for the state to say that all of it is left */
};

struct lessor {
	struct map leases;
	struct lease **heap; /* by due_ns, the soonest first */
	size_t count, capacity;
	uint64_t grace_ns;
	size_t ending;       /* of them */
	uint64_t ends_at_ns; /* when another one may be begun to be ended */
};

/* ---- the heap ---- */

static void heap_put(struct lessor *lessor, size_t at, struct lease *lease)
{
	lessor->heap[at] = lease;
	lease->at = at;
}

static void heap_up(struct lessor *lessor, struct lease *lease)
{
	size_t at = lease->at;
	for (; at > 0 && lessor->heap[(at - 1) / 2]->due_ns > lease->due_ns; at = (at - 1) / 2)
		heap_put(lessor, at, lessor->heap[(at - 1) / 2]);
	heap_put(lessor, at, lease);
}

static void heap_down(struct lessor *lessor, struct lease *lease)
{
	size_t at = lease->at;
	for (size_t child = 2 * at + 1; child < lessor->count; child = 2 * at + 1) {
		if (child + 1 < lessor->count && lessor->heap[child + 1]->due_ns < lessor->heap[child]->due_ns)
			child++;
		if (lessor->heap[child]->due_ns >= lease->due_ns)
			break;
		heap_put(lessor, at, lessor->heap[child]);
		at = child;
	}
	heap_put(lessor, at, lease);
}

static void heap_move(struct lessor *lessor, struct lease *lease, uint64_t due_ns)
{
	bool sooner = due_ns < lease->due_ns;
	lease->due_ns = due_ns;
	if (sooner)
		heap_up(lessor, lease);
	else
		heap_down(lessor, lease);
}

static void heap_add(struct lessor *lessor, struct lease *lease)
{
	if (lessor->count == lessor->capacity) {
		lessor->capacity = lessor->capacity != 0 ? lessor->capacity * 2 : 64;
		lessor->heap = memory_resize(lessor->heap, lessor->capacity, sizeof(struct lease *));
	}
	lease->at = lessor->count++;
	heap_up(lessor, lease);
}

static void heap_remove(struct lessor *lessor, struct lease *lease)
{
	struct lease *last = lessor->heap[--lessor->count];
	if (last == lease)
		return;
	uint64_t due_ns = last->due_ns;
	heap_put(lessor, lease->at, last);
	last->due_ns = lease->due_ns;
	heap_move(lessor, last, due_ns);
}

/* ---- one ---- */

static int64_t lease_step_ms(const struct lease *lease)
{
	int64_t step_ms = lease->ttl_ms / LESSOR_CHECKPOINT_PARTS, least_ms = lease->ttl_ms / LESSOR_CHECKPOINTS_MAX;
	if (step_ms < LESSOR_CHECKPOINT_MS_MIN)
		step_ms = LESSOR_CHECKPOINT_MS_MIN;
	if (step_ms > LESSOR_CHECKPOINT_MS_MAX)
		step_ms = LESSOR_CHECKPOINT_MS_MAX;
	if (lease->kept && lease->left_ms == lease->ttl_ms)
		step_ms = lease->ttl_ms / 2;
	return step_ms > least_ms ? step_ms : least_ms;
}

/* So much is left when the next checkpoint is made; 0: it ends before. */
static int64_t lease_checkpoint_ms(const struct lease *lease)
{
	int64_t next_ms = lease->left_ms - lease_step_ms(lease);
	return next_ms > 0 ? next_ms : 0;
}

static int64_t lease_left_ms(const struct lease *lease, uint64_t now_ns)
{
	if (lease->doing == DOING_END || now_ns >= lease->deadline_ns)
		return 0;
	return (int64_t)((lease->deadline_ns - now_ns) / CLOCK_NS_PER_MS);
}

static uint64_t lease_due_ns(const struct lease *lease)
{
	if (lease->doing != DOING_NOTHING)
		return UINT64_MAX;
	return lease->clearing ? 0 : lease->deadline_ns - (uint64_t)lease_checkpoint_ms(lease) * CLOCK_NS_PER_MS;
}

/* Clients may ask for lease 0: there never is one. */
static struct lease *lessor_find(const struct lessor *lessor, int64_t id)
{
	return id != 0 ? map_find(&lessor->leases, (uint64_t)id) : NULL;
}

static void lessor_remove(struct lessor *lessor, struct lease *lease)
{
	lessor->ending -= lease->doing == DOING_END;
	map_remove(&lessor->leases, (uint64_t)lease->id);
	heap_remove(lessor, lease);
	free(lease);
}

static void lessor_add_until(struct lessor *lessor, const struct kv_lease *from, uint64_t deadline_ns)
{
	if (lessor_find(lessor, from->id) != NULL)
		return;
	struct lease *lease = memory_new(sizeof *lease);
	lease->id = from->id;
	lease->ttl_ms = from->ttl_s * CLOCK_MS_PER_S;
	lease->left_ms = from->left_ms;
	lease->deadline_ns = deadline_ns;
	lease->due_ns = lease_due_ns(lease);
	map_set(&lessor->leases, (uint64_t)lease->id, lease);
	heap_add(lessor, lease);
}

/* ---- what the state says ---- */

void lessor_add(struct lessor *lessor, const struct kv_lease *lease, uint64_t now_ns)
{
	lessor_add_until(lessor, lease, now_ns + (uint64_t)lease->left_ms * CLOCK_NS_PER_MS + lessor->grace_ns);
}

static void lessor_checkpointed(struct lessor *lessor, struct lease *lease, int64_t left_ms)
{
	if (lease->doing != DOING_CHECKPOINT)
		return; /* it was in the state already when that was read */
	lease->doing = DOING_NOTHING;
	lease->left_ms = left_ms;
	bool cleared = left_ms == lease->ttl_ms;
	lease->kept = cleared;
	lease->clearing = lease->clearing && !cleared;
	heap_move(lessor, lease, lease_due_ns(lease));
}

void lessor_event(struct lessor *lessor, const struct kv_lease_event *event, uint64_t now_ns)
{
	struct lease *lease = lessor_find(lessor, event->lease.id);
	switch (event->type) {
	case KV_LEASE_GRANTED:
		lessor_add_until(lessor, &event->lease, now_ns + (uint64_t)event->lease.left_ms * CLOCK_NS_PER_MS);
		return;
	case KV_LEASE_ENDED:
		if (lease != NULL)
			lessor_remove(lessor, lease);
		return;
	case KV_LEASE_CHECKPOINTED:
		if (lease != NULL)
			lessor_checkpointed(lessor, lease, event->lease.left_ms);
		return;
	}
}

/* ---- answers ---- */

enum lessor_answer lessor_keep_alive(struct lessor *lessor, int64_t id, uint64_t now_ns, struct lessor_time *ret_time)
{
	struct lease *lease = lessor_find(lessor, id);
	if (lease == NULL)
		return LESSOR_GONE;
	if (lease->doing == DOING_END)
		return LESSOR_LATER;
	/* Its place in the heap is looked at when that comes: not later than there is something to do. */
	lease->deadline_ns = now_ns + (uint64_t)lease->ttl_ms * CLOCK_NS_PER_MS;
	lease->kept = true;
	if (lease->doing == DOING_CHECKPOINT || lease->left_ms != lease->ttl_ms) {
		lease->clearing = true;
		heap_move(lessor, lease, lease_due_ns(lease));
		return LESSOR_LATER;
	}
	*ret_time = (struct lessor_time){.ttl_s = lease->ttl_ms / CLOCK_MS_PER_S, .left_ms = lease->ttl_ms};
	return LESSOR_ALIVE;
}

enum lessor_answer lessor_look(const struct lessor *lessor, int64_t id, uint64_t now_ns, struct lessor_time *ret_time)
{
	const struct lease *lease = lessor_find(lessor, id);
	if (lease == NULL)
		return LESSOR_GONE;
	*ret_time =
	    (struct lessor_time){.ttl_s = lease->ttl_ms / CLOCK_MS_PER_S, .left_ms = lease_left_ms(lease, now_ns)};
	return LESSOR_ALIVE;
}

/* ---- what is to be done ---- */

/* Not more than some at once, and in a second. */
static bool lessor_may_end(const struct lessor *lessor, uint64_t now_ns)
{
	return lessor->ending < LESSOR_ENDING_MAX && now_ns >= lessor->ends_at_ns;
}

static void lessor_end(struct lessor *lessor, struct lease *lease, uint64_t now_ns)
{
	const uint64_t each_ns = CLOCK_NS_PER_S / LESSOR_ENDS_PER_S, burst_ns = LESSOR_ENDING_MAX * each_ns;
	/* What was not used lately may be used at once, up to a burst. */
	if (lessor->ends_at_ns + burst_ns < now_ns)
		lessor->ends_at_ns = now_ns - burst_ns;
	lessor->ends_at_ns += each_ns;
	lessor->ending++;
	lease->doing = DOING_END;
}

/* False: nothing, now. */
static bool lessor_step(struct lessor *lessor, struct lease *lease, uint64_t now_ns, struct lessor_step *ret_step)
{
	bool ends = !lease->clearing && now_ns >= lease->deadline_ns;
	*ret_step = (struct lessor_step){.id = lease->id, .ends = ends, .left_ms = lease->ttl_ms};
	if (ends && !lessor_may_end(lessor, now_ns))
		return false;
	if (!lease->clearing)
		ret_step->left_ms = lease_left_ms(lease, now_ns);
	if (ends)
		lessor_end(lessor, lease, now_ns);
	else
		lease->doing = DOING_CHECKPOINT;
	return true;
}

size_t lessor_next(struct lessor *lessor, uint64_t now_ns, struct lessor_step steps[LESSOR_STEPS_MAX])
{
	size_t count = 0;
	while (count < LESSOR_STEPS_MAX && lessor->count != 0 && lessor->heap[0]->due_ns <= now_ns) {
		struct lease *lease = lessor->heap[0];
		if (lease_due_ns(lease) <= now_ns) {
			if (!lessor_step(lessor, lease, now_ns, &steps[count]))
				break;
			count++;
		}
		heap_move(lessor, lease, lease_due_ns(lease));
	}
	return count;
}

void lessor_refused(struct lessor *lessor, const struct lessor_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct lease *lease = lessor_find(lessor, steps[i].id);
		check(lease != NULL && lease->doing != DOING_NOTHING);
		lessor->ending -= lease->doing == DOING_END;
		lease->doing = DOING_NOTHING;
		heap_move(lessor, lease, lease_due_ns(lease));
	}
}

uint64_t lessor_wake_ns(const struct lessor *lessor)
{
	if (lessor->count == 0)
		return UINT64_MAX;
	uint64_t due_ns = lessor->heap[0]->due_ns;
	/* What holds up an end is that others are under way, whose events wake, or the pace. */
	if (due_ns != 0 && lessor->ending >= LESSOR_ENDING_MAX)
		return UINT64_MAX;
	return due_ns != 0 && due_ns < lessor->ends_at_ns ? lessor->ends_at_ns : due_ns;
}

size_t lessor_count(const struct lessor *lessor)
{
	return lessor->count;
}

/* ---- life ---- */

struct lessor *lessor_new(void)
{
	struct lessor *lessor = memory_new(sizeof *lessor);
	map_init(&lessor->leases);
	return lessor;
}

void lessor_clear(struct lessor *lessor)
{
	for (size_t i = 0; i < lessor->count; i++)
		free(lessor->heap[i]);
	free(lessor->heap);
	map_fini(&lessor->leases);
	*lessor = (struct lessor){0};
	map_init(&lessor->leases);
}

void lessor_begin(struct lessor *lessor, uint64_t grace_ms)
{
	lessor_clear(lessor);
	lessor->grace_ns = grace_ms * CLOCK_NS_PER_MS;
}

void lessor_free(struct lessor *lessor)
{
	lessor_clear(lessor);
	map_fini(&lessor->leases);
	free(lessor);
}
