/* SPDX-License-Identifier: Apache-2.0 */
/* Many watchers of one prefix, and how long after the sending of a put each of them is told. */
#include <stdlib.h>
#include <string.h>

#include "api/proto/rpc.pb-c.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/proto.h"
#include "tests/bench/rpcload.h"

#define FAN_FIRST "/fan/"
#define FAN_END "/fan0"
#define FAN_KEY "/fan/key"

struct fan {
	struct load *load;
	size_t watcher_count, created;
	size_t missing;  /* watchers that have not been told of the newest put */
	bool putting;    /* it is not answered yet */
	uint64_t number; /* of the newest put: what its value begins with */
	struct channel_call *watchers, putter;
	struct arena arena; /* of an answer */
};

static void fan_event(struct fan *fan, const Mvccpb__Event *event)
{
	uint64_t number = 0;
	if (event->kv == NULL || event->kv->value.len < sizeof number)
		load_fail("an event", "it has not the value that was put");
	memcpy(&number, event->kv->value.data, sizeof number);
	if (number != fan->number || fan->missing == 0)
		load_fail("an event", "it is not the one that was waited for");
	fan->missing--;
	fan->load->ended_ns = clock_steady_ns();
	load_sample(fan->load, fan->load->ended_ns - fan->putter.begun_ns);
}

static void watcher_came(struct channel_call *call, struct bytes message)
{
	struct fan *fan = call->state;
	ProtobufCAllocator allocator = proto_allocator(&fan->arena);
	Etcdserverpb__WatchResponse *answer =
	    etcdserverpb__watch_response__unpack(&allocator, message.size, message.data);
	if (answer == NULL || answer->canceled)
		load_fail("a watch", "it was refused");
	fan->created += answer->created != 0;
	for (size_t at = 0; at < answer->n_events; at++)
		fan_event(fan, answer->events[at]);
	arena_reset(&fan->arena);
}

static void watcher_ended(struct channel_call *call, int code)
{
	load_fail("a watch", "it ended");
}

static void putter_ended(struct channel_call *call, int code)
{
	struct fan *fan = call->state;
	if (code != CHANNEL_OK)
		load_fail("a put", "it was refused");
	fan->putting = false;
}

static void fan_watch(struct fan *fan, struct channel_call *call, struct channel *channel)
{
	static const struct channel_user user = {watcher_came, watcher_ended};
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	Etcdserverpb__WatchCreateRequest create = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	create.key = proto_data(BYTES_LITERAL(FAN_FIRST));
	create.range_end = proto_data(BYTES_LITERAL(FAN_END));
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = &create;
	channel_call_init(call, channel, &user, fan);
	call->stays_open = true;
	channel_call_add(call, &request.base);
	channel_call_begin(call, "/etcdserverpb.Watch/Watch");
}

static void fan_put(struct fan *fan)
{
	struct load *load = fan->load;
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	fan->number++;
	fan->missing = fan->watcher_count;
	fan->putting = true;
	arena_reset(&load->arena);
	put.key = proto_data(BYTES_LITERAL(FAN_KEY));
	put.value = proto_data(arena_dup(&load->arena, proto_bytes(load_value(load))));
	memcpy(put.value.data, &fan->number, sizeof fan->number);
	buffer_clear(&fan->putter.request);
	channel_call_add(&fan->putter, &put.base);
	channel_call_begin(&fan->putter, LOAD_KV "Put");
}

void load_run_watch(struct load *load)
{
	static const struct channel_user user = {.ended = putter_ended};
	struct fan fan = {.load = load, .watcher_count = load->channel_count * load->streams};
	arena_init(&fan.arena);
	if (load->value_bytes < sizeof fan.number)
		load_fail("the value", "it has no room for a number");
	fan.watchers = memory_new_array(fan.watcher_count, sizeof *fan.watchers);
	for (size_t at = 0; at < fan.watcher_count; at++)
		fan_watch(&fan, &fan.watchers[at], &load->channels[at % load->channel_count]);
	while (fan.created < fan.watcher_count)
		load_turn(load);
	channel_call_init(&fan.putter, &load->channels[0], &user, &fan);
	load->begun_ns = clock_steady_ns();
	load->end_ns = load->begun_ns + (uint64_t)(load->amount * CLOCK_NS_PER_S);
	while (clock_steady_ns() < load->end_ns) {
		fan_put(&fan);
		while (fan.putting || fan.missing != 0)
			load_turn(load);
	}
	for (size_t at = 0; at < fan.watcher_count; at++)
		channel_call_fini(&fan.watchers[at]);
	channel_call_fini(&fan.putter);
	free(fan.watchers);
	arena_fini(&fan.arena);
}
