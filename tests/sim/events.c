/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/events.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static bool event_is_before(const struct event *left, const struct event *right)
{
	return left->at_us != right->at_us ? left->at_us < right->at_us : left->order < right->order;
}

void events_fini(struct events *events)
{
	free(events->heap);
	*events = (struct events){0};
}

void events_add(struct events *events, struct event event)
{
	check(events->count < EVENTS_MAX);
	if (events->count == events->capacity) {
		events->capacity = events->capacity != 0 ? events->capacity * 2 : 256;
		events->heap = memory_resize(events->heap, events->capacity, sizeof *events->heap);
	}
	event.order = events->order++;
	size_t at = events->count++;
	while (at > 0 && event_is_before(&event, &events->heap[(at - 1) / 2])) {
		events->heap[at] = events->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	events->heap[at] = event;
}

bool events_take(struct events *events, struct event *ret_event)
{
	if (events->count == 0)
		return false;
	*ret_event = events->heap[0];
	struct event last = events->heap[--events->count];
	size_t at = 0;
	for (size_t child = 1; child < events->count; child = 2 * at + 1) {
		if (child + 1 < events->count && event_is_before(&events->heap[child + 1], &events->heap[child]))
			child++;
		if (!event_is_before(&events->heap[child], &last))
			break;
		events->heap[at] = events->heap[child];
		at = child;
	}
	if (events->count > 0)
		events->heap[at] = last;
	return true;
}
