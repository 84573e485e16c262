/* SPDX-License-Identifier: Apache-2.0 */
/* Notices of progress, of watches that are held where the test wants them: it turns the loop, it is the client, and time is what it says. */
#include "tests/unit/unit.h"

#include <string.h>

#include "api/rpc.h"
#include "base/clock.h"
#include "base/proto.h"
#include "tests/unit/api/events_world.h"

enum { ANSWERS_MAX = 64, PROGRESS_MS = 1000, HISTORY = 600 /* more than two turns of the engine read */ };

/* Of what the client was sent. */
struct told {
	int64_t id, revision;
	size_t events;
	bool created;
};

static struct {
	struct world world;
	struct service service;
	struct rpc_call *call;
	struct tick *tick;
	uint64_t now_ns;
	size_t backlog_bytes;
	struct told told[ANSWERS_MAX];
	size_t told_count;
} it;

/* ---- instead of api/ticks.c's ---- */

void ticks_add(struct ticks *ticks, struct tick *tick)
{
	assert_null(it.tick);
	it.tick = tick;
}

void ticks_remove(struct ticks *ticks, struct tick *tick)
{
	assert_ptr_equal(it.tick, tick);
	it.tick = NULL;
}

/* So late that notices are due. */
static void time_passes(void)
{
	it.now_ns += 2 * PROGRESS_MS * CLOCK_NS_PER_MS;
	it.tick->run(it.tick, it.now_ns);
}

/* ---- the client ---- */

static enum err client_is_sent(void *link, const ProtobufCMessage *message)
{
	const Etcdserverpb__WatchResponse *answer = (const Etcdserverpb__WatchResponse *)message;
	assert_true(it.told_count < ANSWERS_MAX);
	it.told[it.told_count++] = (struct told){.id = answer->watch_id,
	                                         .revision = answer->header->revision,
	                                         .events = answer->n_events,
	                                         .created = answer->created};
	return ERR_OK;
}

static size_t client_has_waiting(const void *link)
{
	return it.backlog_bytes;
}

static void client_is_finished(void *link, const struct rpc_status *status)
{
	fail_msg("the stream ended: %s", status->message);
}

static const struct rpc_transport transport = {
    .send = client_is_sent, .backlog_bytes = client_has_waiting, .finish = client_is_finished};

static void watch_from(int64_t revision)
{
	Etcdserverpb__WatchCreateRequest create = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	create.key = proto_data(BYTES_LITERAL("/a"));
	create.start_revision = revision;
	create.progress_notify = true;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = &create;
	rpc_received(it.call, &request.base);
	assert_true(it.told[it.told_count - 1].created);
}

static void ask_for_progress(void)
{
	Etcdserverpb__WatchProgressRequest progress = ETCDSERVERPB__WATCH_PROGRESS_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_PROGRESS_REQUEST;
	request.progress_request = &progress;
	rpc_received(it.call, &request.base);
}

static void assert_told_nothing_since(size_t count)
{
	assert_int_equal(it.told_count, count);
}

static void assert_told_last(int64_t id, int64_t revision)
{
	const struct told *last = &it.told[it.told_count - 1];
	assert_int_equal(last->id, id);
	assert_int_equal(last->revision, revision);
	assert_int_equal(last->events, 0);
}

static int begin(void **state)
{
	memset(&it, 0, sizeof it);
	world_open(&it.world);
	it.service = (struct service){.replica = it.world.replica,
	                              .events = it.world.events,
	                              .election_timeout_ms = 1000,
	                              .request_timeout_ms = 7000,
	                              .watch_progress_ms = PROGRESS_MS,
	                              .request_bytes_max = 1 << 20};
	struct rpc_status status;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	const struct rpc_method *method = rpc_find("/etcdserverpb.Watch/Watch", &arena, &status);
	it.now_ns = clock_steady_ns();
	it.call = rpc_call_new(&it.service, method, &transport, &it);
	rpc_begin(it.call);
	return 0;
}

static int end(void **state)
{
	rpc_abandon(it.call);
	world_close(&it.world);
	return 0;
}

/* ---- the cases ---- */

static void one_that_reads_what_was_is_told_when_it_has_read_it(void **state)
{
	for (int at = 0; at < HISTORY; at++)
		world_put(&it.world, at == 0 ? "/a" : "/b", BYTES_LITERAL("one"));
	watch_from(2);
	ask_for_progress();
	time_passes();
	assert_told_nothing_since(1);
	assert_true(world_turn(&it.world));
	assert_int_equal(it.told[1].events, 1); /* and it has not read the rest */
	time_passes();
	time_passes();
	assert_told_nothing_since(2);
	world_settle(&it.world);
	assert_told_nothing_since(3);
	assert_told_last(-1, HISTORY + 1);
	time_passes();
	assert_told_nothing_since(4);
	assert_told_last(0, HISTORY + 1);
}

static void one_that_is_held_is_told_when_it_has_had_what_held_it(void **state)
{
	watch_from(0);
	world_settle(&it.world);
	it.backlog_bytes = RPC_BACKLOG_BYTES_MAX;
	world_put(&it.world, "/a", BYTES_LITERAL("one"));
	world_settle(&it.world);
	assert_told_nothing_since(1);
	it.backlog_bytes = 0; /* there is room, and it has not been offered its event again */
	ask_for_progress();
	time_passes();
	assert_told_nothing_since(1);
	assert_true(rpc_room_is_made(it.call));
	rpc_drained(it.call);
	world_settle(&it.world);
	assert_int_equal(it.told[1].events, 1);
	assert_told_nothing_since(3);
	assert_told_last(-1, 2);
	time_passes(); /* it was told of an event meanwhile */
	assert_told_nothing_since(3);
	time_passes();
	assert_told_nothing_since(4);
	assert_told_last(0, 2);
}

static void one_of_the_future_is_told_nothing_before_it(void **state)
{
	watch_from(4);
	watch_from(0);
	world_put(&it.world, "/b", BYTES_LITERAL("one"));
	world_settle(&it.world);
	ask_for_progress();
	time_passes();
	assert_told_nothing_since(3);
	assert_told_last(1, 2);
	world_put(&it.world, "/b", BYTES_LITERAL("two"));
	world_settle(&it.world);
	time_passes(); /* now nothing that it wants can be missing */
	assert_told_nothing_since(6);
	assert_int_equal(it.told[3].id, -1);
	assert_int_equal(it.told[3].revision, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(one_that_reads_what_was_is_told_when_it_has_read_it),
	    CASE(one_that_is_held_is_told_when_it_has_had_what_held_it),
	    CASE(one_of_the_future_is_told_nothing_before_it),
	};
	return UNIT_RUN(tests);
}
