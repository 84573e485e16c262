/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "replica/transport.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_machine.h"

struct transport {
	struct transport_options options;
	unsigned node;
	bool hears;
};

struct frame {
	unsigned from;
	struct bytes content;
	uint8_t data[];
};

static struct {
	struct weather weather;
	bool cut[WORLD_NODES_MAX + 1][WORLD_NODES_MAX + 1]; /* [from][to] */
	struct transport *transports[WORLD_NODES_MAX + 1];
} network;

/* ---- faults ---- */

struct weather *network_weather(void)
{
	return &network.weather;
}

void network_cut(unsigned from, unsigned to)
{
	network.cut[from][to] = from != to;
}

bool network_is_cut(unsigned from, unsigned to)
{
	return network.cut[from][to];
}

void network_heal(void)
{
	memset(network.cut, 0, sizeof network.cut);
}

static void network_drop(struct event *event, void *argument)
{
	const struct frame *frame = event->data;
	const unsigned *from = argument;
	if (frame == NULL || (*from != 0 && frame->from != *from))
		return;
	free(event->data);
	event->data = NULL;
}

void network_silence(unsigned from)
{
	world_each(WORLD_FRAME, network_drop, &from);
}

void network_forget(unsigned node)
{
	network.transports[node] = NULL;
}

void network_break(unsigned node, unsigned peer)
{
	world_plan(WORLD_UNREACHABLE, node, world_below(5 * WORLD_MS), peer, NULL);
}

/* ---- frames ---- */

static void network_arrive(const struct frame *frame, struct transport *transport)
{
	struct bytes body = BYTES_NONE;
	size_t size = 0;
	struct arena arena;
	Peer__Envelope *envelope = NULL;
	enum err err = frame_split(frame->content, &body, &size);
	check(err == ERR_OK && size == frame->content.size);
	arena_init(&arena);
	err = frame_unpack(body, &arena, &envelope);
	check(err == ERR_OK && envelope->to == transport->options.member);
	world_hash(envelope->from << 32 ^ crc32c(0, body));
	if (!transport->options.received(transport->options.argument, &arena, envelope))
		arena_fini(&arena);
}

static void network_on_frame(const struct event *event)
{
	struct frame *frame = event->data;
	unsigned node = (unsigned)event->node;
	struct transport *transport = network.transports[node];
	if (frame == NULL)
		return;
	if (transport != NULL && transport->hears && machine_is_up(node)) {
		counters_add(COUNTER_DELIVERED);
		world_enter(node);
		network_arrive(frame, transport);
		world_leave();
	}
	free(frame);
}

static void network_on_unreachable(const struct event *event)
{
	unsigned node = (unsigned)event->node, peer = (unsigned)event->number;
	struct transport *transport = network.transports[node];
	if (transport == NULL || !transport->hears || event->generation != machine_life(node) ||
	    machine_at(peer)->member == 0)
		return;
	world_enter(node);
	transport->options.unreachable(transport->options.argument, machine_at(peer)->member);
	world_leave();
}

static void network_carry(unsigned from, unsigned to, struct bytes content)
{
	struct frame *frame = memory_new(sizeof *frame + content.size);
	const struct weather *weather = &network.weather;
	uint64_t us = 20 + world_below(weather->delay_us_max);
	if (world_chance(weather->late_ppm)) {
		us += world_below(weather->late_us_max);
		counters_add(COUNTER_LATE);
	}
	frame->from = from;
	frame->content = bytes_of(frame->data, content.size);
	memcpy(frame->data, content.data, content.size);
	world_plan(WORLD_FRAME, to, us, 0, frame);
}

/* ---- in place of replica/transport.h ---- */

enum err transport_open(const struct transport_options *options, struct transport **ret_transport)
{
	struct transport *transport = memory_new(sizeof *transport);
	transport->options = *options;
	transport->node = world_node();
	machine_at(transport->node)->member = options->member;
	network.transports[transport->node] = transport;
	*ret_transport = transport;
	return ERR_OK;
}

enum err transport_peer(struct transport *transport, uint64_t peer, const char *name, const char *url)
{
	(void)transport;
	(void)peer;
	(void)name;
	(void)url;
	return ERR_OK;
}

void transport_start(struct transport *transport)
{
	transport->hears = true;
}

void transport_stop(struct transport *transport)
{
	transport->hears = false;
}

void transport_close(struct transport *transport)
{
	if (network.transports[transport->node] == transport)
		network.transports[transport->node] = NULL;
	free(transport);
}

enum err transport_send(struct transport *transport, uint64_t peer, struct bytes frame)
{
	unsigned from = transport->node, to = machine_of_member(peer);
	const struct weather *weather = &network.weather;
	if (to == 0)
		return ERR_UNREACHABLE;
	bool may_be_repeated = checker_sent(from, frame);
	if (world_chance(weather->refuse_ppm)) {
		counters_add(COUNTER_REFUSED);
		return world_chance(500000) ? ERR_BUSY : ERR_UNREACHABLE;
	}
	if (network.cut[from][to] || world_chance(weather->drop_ppm)) {
		counters_add(network.cut[from][to] ? COUNTER_CUT_OFF : COUNTER_DROPPED);
		return ERR_OK;
	}
	if (may_be_repeated && world_chance(weather->repeat_ppm)) {
		counters_add(COUNTER_REPEATED);
		network_carry(from, to, frame);
	}
	network_carry(from, to, frame);
	return ERR_OK;
}

void transport_flush(struct transport *transport)
{
	(void)transport;
}

void transport_review(struct transport *transport, uint64_t now_ns)
{
	(void)transport;
	(void)now_ns;
}

bool transport_is_up(struct transport *transport, uint64_t peer)
{
	unsigned to = machine_of_member(peer);
	return to != 0 && machine_is_up(to) && !network.cut[transport->node][to];
}

void transport_stats(struct transport *transport, struct transport_stats *ret_stats)
{
	(void)transport;
	*ret_stats = (struct transport_stats){0};
}

/* ---- life ---- */

void network_begin(void)
{
	memset(&network, 0, sizeof network);
	network.weather = (struct weather){.delay_us_max = 5 * WORLD_MS};
	world_handle(WORLD_FRAME, network_on_frame);
	world_handle(WORLD_UNREACHABLE, network_on_unreachable);
}

void network_end(void)
{
	network_silence(0);
}
