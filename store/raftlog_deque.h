/* SPDX-License-Identifier: Apache-2.0 */
/* An array that grows at its end and shrinks at both: elements of one size, kept in a row so that they can be searched. */
#pragma once

#include <stddef.h>

struct raftlog_deque {
	unsigned char *elements;
	size_t element_bytes, begin, count, capacity;
};

void raftlog_deque_init(struct raftlog_deque *deque, size_t element_bytes);
void raftlog_deque_fini(struct raftlog_deque *deque);
/* The address of the new last element, not initialised; every address from before is void. */
void *raftlog_deque_push(struct raftlog_deque *deque);
void *raftlog_deque_at(const struct raftlog_deque *deque, size_t position);
void *raftlog_deque_last(const struct raftlog_deque *deque); /* NULL when empty */
void raftlog_deque_drop_first(struct raftlog_deque *deque);
void raftlog_deque_drop_last(struct raftlog_deque *deque);
