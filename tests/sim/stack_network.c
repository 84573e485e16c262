/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_network.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/memory.h"
#include "replica/dialogue.h"
#include "replica/transport.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_machine.h"

/* What stands in a hello's `magic`: who is asked sends an answer back. */
enum { NETWORK_HELLO = 1, NETWORK_ANSWER };

struct transport {
	struct transport_options options;
	unsigned node;
	bool hears;
	bool answered[WORLD_NODES_MAX + 1]; /* its hello to that node was answered */
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

static void network_carry(unsigned from, unsigned to, struct bytes content);

static void network_say_hello(struct transport *transport, unsigned to, uint32_t magic, enum transport_verdict verdict)
{
	AUTO_BUFFER struct buffer buffer;
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Hello hello = PEER__HELLO__INIT;
	buffer_init(&buffer, FRAME_HEADER_BYTES + TRANSPORT_STRANGER_BYTES_MAX);
	hello.magic = magic;
	hello.directory = transport->options.directory;
	hello.fresh = transport->options.is_fresh(transport->options.argument);
	hello.verdict = verdict;
	hello.from = envelope.from = transport->options.member;
	hello.to = envelope.to = machine_at(to)->member;
	envelope.body_case = PEER__ENVELOPE__BODY_HELLO;
	envelope.hello = &hello;
	enum err err = frame_pack(&envelope, &buffer);
	check(err == ERR_OK);
	if (!network.cut[transport->node][to])
		network_carry(transport->node, to, buffer_bytes(&buffer));
}

static void network_heed_hello(struct transport *transport, const Peer__Hello *hello)
{
	const struct transport_options *options = &transport->options;
	unsigned from = machine_of_member(hello->from);
	enum transport_verdict verdict = options->judge(options->argument, hello);
	if (hello->magic == NETWORK_HELLO) {
		network_say_hello(transport, from, NETWORK_ANSWER, verdict);
	} else if (verdict == TRANSPORT_WELCOME) {
		transport->answered[from] = true;
		options->judged(options->argument, hello);
	}
}

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
	check(err == ERR_OK);
	world_hash(envelope->from << 32 ^ crc32c(0, body));
	bool ours = envelope->to == transport->options.member, taken = false;
	if (ours && envelope->body_case == PEER__ENVELOPE__BODY_HELLO)
		network_heed_hello(transport, envelope->hello);
	else if (ours && envelope->cluster == transport->options.cluster)
		taken = transport->options.received(transport->options.argument, &arena, envelope);
	if (!taken)
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

void transport_forget(struct transport *transport, uint64_t peer)
{
	transport->answered[machine_of_member(peer)] = false;
}

size_t transport_peers(struct transport *transport, uint64_t *ids, size_t max)
{
	(void)transport;
	(void)ids;
	(void)max;
	return 0;
}

void transport_answer(struct transport *transport, uint64_t ticket, const Peer__JoinAnswer *answer)
{
	(void)transport;
	(void)ticket;
	(void)answer;
}

/* Says hello, until it is answered, to all that there are. */
void transport_review(struct transport *transport, uint64_t now_ns)
{
	(void)now_ns;
	for (unsigned node = 1; node <= WORLD_NODES_MAX; node++)
		if (node != transport->node && !transport->answered[node] && machine_at(node)->member != 0)
			network_say_hello(transport, node, NETWORK_HELLO, TRANSPORT_WELCOME);
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

/* ---- in place of replica/dialogue.h: nobody joins by asking ---- */

struct dialogue *dialogue_new(const struct dialogue_options *options)
{
	(void)options;
	check(false);
	return NULL;
}

void dialogue_free(struct dialogue *dialogue)
{
	(void)dialogue;
}

enum err dialogue_ask(struct dialogue *dialogue, const char *url, struct bytes frame, struct arena *arena,
                      Peer__Envelope **ret_answer)
{
	(void)dialogue;
	(void)url;
	(void)frame;
	(void)arena;
	(void)ret_answer;
	return ERR_UNREACHABLE;
}

const char *dialogue_why(const struct dialogue *dialogue)
{
	(void)dialogue;
	return "";
}

void dialogue_pause(struct dialogue *dialogue, uint64_t pause_ms)
{
	(void)dialogue;
	(void)pause_ms;
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
