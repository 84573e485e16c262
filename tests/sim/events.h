/* SPDX-License-Identifier: Apache-2.0 */
/* What will happen, by virtual time in microseconds; what is due at the same time happens in the order in which it was asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_MAX = 1 << 20 };

struct event {
	uint64_t at_us, order;
	int kind;            /* the owner's */
	uint64_t node;       /* 0: none */
	uint64_t generation; /* the owner's, to tell what is out of date */
	uint64_t number;     /* the owner's */
	void *data;          /* the owner's */
};

struct events {
	struct event *heap;
	size_t count, capacity;
	uint64_t order;
};

void events_fini(struct events *events); /* data left in it is leaked: drain it first */
void events_add(struct events *events, struct event event);
bool events_take(struct events *events, struct event *ret_event); /* false: none */
