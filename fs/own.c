/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/own.h"

#include "fs/call.h"

void own_init(struct own_table *own)
{
	*own = (struct own_table){0};
	pthread_mutex_init(&own->mutex, NULL);
	map_init(&own->calls);
}

void own_fini(struct own_table *own)
{
	map_fini(&own->calls);
	pthread_mutex_destroy(&own->mutex);
}

uint64_t own_add(struct own_table *own, struct call *call)
{
	pthread_mutex_lock(&own->mutex);
	uint64_t op = ++own->last;
	map_set(&own->calls, op, call);
	pthread_mutex_unlock(&own->mutex);
	return op;
}

void own_remove(struct own_table *own, uint64_t op)
{
	pthread_mutex_lock(&own->mutex);
	map_remove(&own->calls, op);
	pthread_mutex_unlock(&own->mutex);
}

bool own_claim(struct own_table *own, uint64_t op)
{
	pthread_mutex_lock(&own->mutex);
	struct call *call = map_find(&own->calls, op);
	bool claimed = call && call_move(call, CALL_WAITING, CALL_COMMITTED);
	pthread_mutex_unlock(&own->mutex);
	return claimed;
}
