/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/events_world.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "replica/replica.h"
#include "tests/support/solo.h"
#include "tests/unit/unit.h"

static _Atomic(struct reactor_task *) world_posted;

/* Instead of api/reactor.c's: there is one who posts, and it posts its one task. */
void reactor_post(struct reactor *reactor, struct reactor_task *task)
{
	struct reactor_task *already = atomic_exchange(&world_posted, task);
	assert_null(already);
}

bool world_turn(struct world *world)
{
	struct reactor_task *task = atomic_exchange(&world_posted, NULL);
	if (task != NULL)
		task->run(task);
	return task != NULL;
}

size_t world_settle(struct world *world)
{
	size_t turns = 0;
	while (world_turn(world))
		turns++;
	return turns;
}

void world_open(struct world *world)
{
	log_level_set(LOG_ERROR_LEVEL);
	*world = (struct world){.directory = "/tmp/test_events.XXXXXX"};
	assert_non_null(mkdtemp(world->directory));
	struct replica_options options = {.name = "n1", .data_directory = world->directory, .memory_bytes = 8 << 20};
	assert_int_equal(replica_open(&options, &world->replica), ERR_OK);
	world->events = events_new(NULL, world->replica);
	world->observer = events_observer(world->events);
	replica_observe(world->replica, &world->observer);
	assert_int_equal(replica_start(world->replica), ERR_OK);
}

void world_close(struct world *world)
{
	replica_stop(world->replica);
	world_settle(world);
	events_free(world->events);
	replica_close(world->replica);
	assert_int_equal(file_remove_tree(world->directory), ERR_OK);
}

static int64_t world_command(struct world *world, const struct kv_command *command)
{
	struct kv_result *result = solo_apply_remote(world->replica, command);
	assert_int_equal(result->err, ERR_OK);
	int64_t revision = result->revision;
	kv_result_free(result);
	return revision;
}

int64_t world_apply(struct world *world, const struct kv_op *ops, size_t count)
{
	const struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = ops, .success_count = count}};
	return world_command(world, &command);
}

int64_t world_put(struct world *world, const char *key, struct bytes value)
{
	const struct kv_op op = {.kind = KV_PUT, .put = {.key = bytes_of_string(key), .value = value}};
	return world_apply(world, &op, 1);
}

void world_compact(struct world *world, int64_t revision)
{
	const struct kv_command command = {.kind = KV_COMMAND_COMPACT, .compact = {.revision = revision}};
	world_command(world, &command);
}
