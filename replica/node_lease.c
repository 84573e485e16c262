/* SPDX-License-Identifier: Apache-2.0 */
/* What is applied to leases, from the apply role to the raft role; bounded by what is applied before the raft role is told. */
#include <stdlib.h>

#include "base/memory.h"
#include "replica/node.h"

void node_leases_init(struct replica *replica)
{
	pthread_mutex_init(&replica->leased_mutex, NULL);
}

void node_leases_fini(struct replica *replica)
{
	free(replica->leased);
	pthread_mutex_destroy(&replica->leased_mutex);
}

static void node_leases_changed(void *argument, const struct kv_change *change)
{
}

/* A member that installs a snapshot does not lead. */
static void node_leases_replaced(void *argument, int64_t revision)
{
}

static void node_leased(void *argument, const struct kv_lease_event *event)
{
	struct replica *replica = argument;
	pthread_mutex_lock(&replica->leased_mutex);
	if (replica->leased_count == replica->leased_capacity) {
		replica->leased_capacity = replica->leased_capacity != 0 ? replica->leased_capacity * 2 : 64;
		replica->leased = memory_resize(replica->leased, replica->leased_capacity, sizeof *replica->leased);
	}
	replica->leased[replica->leased_count++] = *event;
	pthread_mutex_unlock(&replica->leased_mutex);
}

struct kv_observer node_lease_observer(struct replica *replica)
{
	return (struct kv_observer){.changed = node_leases_changed,
	                            .replaced = node_leases_replaced,
	                            .argument = replica,
	                            .leased = node_leased};
}

void node_leases_told(struct replica *replica)
{
	pthread_mutex_lock(&replica->leased_mutex);
	struct kv_lease_event *events = replica->leased;
	size_t count = replica->leased_count;
	replica->leased = NULL;
	replica->leased_count = replica->leased_capacity = 0;
	pthread_mutex_unlock(&replica->leased_mutex);
	for (size_t i = 0; i < count; i++)
		loop_leased(replica->loop, &events[i]);
	free(events);
}

enum err node_world_leases(void *argument, int64_t after, size_t max, struct arena *arena,
                           struct kv_lease_list *ret_list)
{
	struct replica *replica = argument;
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_leases(view, after, max, arena, ret_list);
	kv_view_close(view);
	return err;
}
