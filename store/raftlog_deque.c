/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_deque.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

enum { DEQUE_CAPACITY_MIN = 16 };

void raftlog_deque_init(struct raftlog_deque *deque, size_t element_bytes)
{
	*deque = (struct raftlog_deque){.element_bytes = element_bytes};
}

void raftlog_deque_fini(struct raftlog_deque *deque)
{
	free(deque->elements);
	*deque = (struct raftlog_deque){.element_bytes = deque->element_bytes};
}

static void *deque_address(const struct raftlog_deque *deque, size_t position)
{
	return deque->elements + (deque->begin + position) * deque->element_bytes;
}

/* Either moves to the front, when half of the room is there, or doubles: a constant cost per push on average. */
static void deque_make_room(struct raftlog_deque *deque)
{
	if (deque->begin >= deque->capacity / 2 && deque->begin > 0) {
		memmove(deque->elements, deque_address(deque, 0), deque->count * deque->element_bytes);
		deque->begin = 0;
		return;
	}
	deque->capacity = deque->capacity != 0 ? 2 * deque->capacity : DEQUE_CAPACITY_MIN;
	deque->elements = memory_resize(deque->elements, deque->capacity, deque->element_bytes);
}

void *raftlog_deque_push(struct raftlog_deque *deque)
{
	if (deque->begin + deque->count == deque->capacity)
		deque_make_room(deque);
	return deque_address(deque, deque->count++);
}

void *raftlog_deque_at(const struct raftlog_deque *deque, size_t position)
{
	check(position < deque->count);
	return deque_address(deque, position);
}

void *raftlog_deque_last(const struct raftlog_deque *deque)
{
	return deque->count != 0 ? deque_address(deque, deque->count - 1) : NULL;
}

void raftlog_deque_drop_first(struct raftlog_deque *deque)
{
	check(deque->count > 0);
	deque->begin++;
	deque->count--;
}

void raftlog_deque_drop_last(struct raftlog_deque *deque)
{
	check(deque->count > 0);
	deque->count--;
}
