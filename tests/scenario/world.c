/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scenario/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/say.h"

enum { WORLD_HEARTBEAT_MS = 100, WORLD_ELECTION_MS = 1000, WORLD_QUEUE_MAX = 10000 };

/* ---- what nodes do ---- */

static void world_trace(void *argument, struct node *node, const char *line)
{
	struct world *world = argument;
	if (!world->quiet)
		fprintf(world->out, "%ju: %s\n", (uintmax_t)node->id, line);
}

static void world_send(void *argument, struct node *node, struct node_message *message)
{
	struct world *world = argument;
	const struct raft_message *head = &message->head;
	if (!world->quiet)
		say_message(world->out, world->cut[head->from][head->to] ? "-x" : "->", head);
	if (world->cut[head->from][head->to]) {
		node_message_free(message);
		return;
	}
	check(world->queue_count < WORLD_QUEUE_MAX);
	if (world->queue_count == world->queue_capacity) {
		world->queue_capacity = world->queue_capacity * 2 + 16;
		world->queue = memory_resize(world->queue, world->queue_capacity, sizeof(struct node_message *));
	}
	world->queue[world->queue_count++] = message;
}

static void world_read_done(void *argument, struct node *node, const struct raft_read *read)
{
	struct world *world = argument;
	say_read(world->out, node, read);
}

static void world_wrote(void *argument, struct node *node, const struct node_write *write)
{
	struct world *world = argument;
	if (!world->quiet)
		say_write(world->out, node, write);
}

static void world_applied(void *argument, struct node *node, uint64_t index, const struct node_entry *entry)
{
	struct world *world = argument;
	if (!world->quiet)
		say_applied(world->out, node, index, entry);
}

static void world_snapshot_wanted(void *argument, struct node *node, uint64_t peer)
{
	struct world *world = argument;
	fprintf(world->out, "%ju: snapshot for=%ju\n", (uintmax_t)node->id, (uintmax_t)peer);
}

static void world_fetch_wanted(void *argument, struct node *node, uint64_t from, uint64_t index, uint64_t term)
{
	struct world *world = argument;
	fprintf(world->out, "%ju: fetch_wanted from=%ju index=%ju term=%ju\n", (uintmax_t)node->id, (uintmax_t)from,
	        (uintmax_t)index, (uintmax_t)term);
}

static const struct node_hooks world_hooks = {.trace = world_trace,
                                              .send = world_send,
                                              .read_done = world_read_done,
                                              .wrote = world_wrote,
                                              .applied = world_applied,
                                              .snapshot_wanted = world_snapshot_wanted,
                                              .fetch_wanted = world_fetch_wanted};

struct world *world_new(void)
{
	struct world *world = memory_new(sizeof *world);
	world->options = (struct raft_options){.heartbeat_interval_ms = WORLD_HEARTBEAT_MS,
	                                       .election_timeout_ms = WORLD_ELECTION_MS,
	                                       .inflight_messages_max = 4,
	                                       .inflight_bytes_max = 4096,
	                                       .append_bytes_max = 1024,
	                                       .uncommitted_bytes_max = 1024};
	return world;
}

static void world_queue_drop(struct world *world, size_t nth)
{
	node_message_free(world->queue[nth]);
	world->queue_count--;
	memmove(&world->queue[nth], &world->queue[nth + 1], (world->queue_count - nth) * sizeof(struct node_message *));
}

void world_free(struct world *world)
{
	while (world->queue_count > 0)
		world_queue_drop(world, world->queue_count - 1);
	for (size_t id = 1; id <= WORLD_NODES_MAX; id++)
		if (world->nodes[id].id != 0)
			node_fini(&world->nodes[id]);
	free(world->queue);
	free(world);
}

/* ---- commands ---- */

struct arguments {
	char *words[WORLD_ARGUMENTS_MAX];
	size_t count;
};

static const char *argument_word(const struct arguments *arguments, size_t nth)
{
	if (nth < arguments->count)
		return arguments->words[nth];
	fprintf(stderr, "%s: too few arguments\n", arguments->words[0]);
	exit(2);
}

static uint64_t argument_number(const struct arguments *arguments, size_t nth)
{
	return strtoull(argument_word(arguments, nth), NULL, 10);
}

/* `key=number` anywhere, or otherwise. */
static uint64_t argument_option(const struct arguments *arguments, const char *key, uint64_t otherwise)
{
	size_t length = strlen(key);
	for (size_t i = 1; i < arguments->count; i++)
		if (strncmp(arguments->words[i], key, length) == 0 && arguments->words[i][length] == '=')
			return strtoull(arguments->words[i] + length + 1, NULL, 10);
	return otherwise;
}

static struct node *argument_node(struct world *world, const struct arguments *arguments, size_t nth)
{
	uint64_t id = argument_number(arguments, nth);
	if (id >= 1 && id <= WORLD_NODES_MAX && world->nodes[id].id != 0)
		return &world->nodes[id];
	fprintf(stderr, "%s: no node %s\n", arguments->words[0], argument_word(arguments, nth));
	exit(2);
}

/* v1 l2 r3: as the changes are written in a command. */
static size_t argument_changes(const struct arguments *arguments, size_t from, struct raft_change *changes)
{
	size_t count = 0;
	for (size_t i = from; i < arguments->count; i++) {
		const char *word = arguments->words[i];
		enum raft_change_op op = word[0] == 'v'   ? RAFT_CHANGE_VOTER
		                         : word[0] == 'l' ? RAFT_CHANGE_LEARNER
		                                          : RAFT_CHANGE_REMOVE;
		changes[count++] = (struct raft_change){.op = op, .id = strtoull(word + 1, NULL, 10)};
	}
	return count;
}

static void world_start_node(struct world *world, struct node *node, uint64_t now_ms)
{
	node_start(node, world->options, now_ms, node->id);
}

/* add-nodes COUNT [learners=N] [leases=1] [term=T] [inflight=N] [append=BYTES] [outsiders=N]: the last outsiders know no configuration */
static void command_add_nodes(struct world *world, const struct arguments *arguments)
{
	uint64_t count = argument_number(arguments, 1);
	uint64_t learners = argument_option(arguments, "learners", 0);
	uint64_t outsiders = argument_option(arguments, "outsiders", 0);
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_config config;
	world->options.leases = argument_option(arguments, "leases", 0) != 0;
	world->options.inflight_messages_max = (uint32_t)argument_option(arguments, "inflight", 4);
	world->options.append_bytes_max = argument_option(arguments, "append", 1024);
	buffer_init(&payload, NODE_PAYLOAD_MAX);
	raft_config_init(&config);
	for (uint64_t id = 1; id <= count; id++) {
		struct raft_member member = {.id = id, .voter = id <= count - learners};
		enum err err = raft_config_set(&config, member);
		check(err == ERR_OK);
	}
	raft_config_encode(&config, &payload);
	for (uint64_t id = 1; id <= count + outsiders; id++) {
		struct node *node = &world->nodes[id];
		node_init(node, id, &world_hooks, world);
		node_format(node, id <= count ? buffer_bytes(&payload) : BYTES_NONE);
		node->disk.term = argument_option(arguments, "term", 0);
		world_start_node(world, node, 1);
	}
	raft_config_fini(&config);
}

static void world_tick(struct node *node, uint64_t to_ms)
{
	if (to_ms > node->now_ms)
		node->now_ms = to_ms;
	node_step(node, (struct raft_event){.type = RAFT_EVENT_TICK});
}

/* campaign ID: its election timer fires */
static void command_campaign(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	if (node->update.wake_at_ms == 0)
		world_tick(node, node->now_ms);
	uint64_t wake_ms = node->update.wake_at_ms;
	world_tick(node, wake_ms);
}

/* tick ID|all MS: its clock goes on by so much, and it looks at it once */
static void command_tick(struct world *world, const struct arguments *arguments)
{
	uint64_t by_ms = argument_number(arguments, 2);
	bool all = strcmp(argument_word(arguments, 1), "all") == 0;
	for (uint64_t id = 1; id <= WORLD_NODES_MAX; id++) {
		struct node *node = &world->nodes[id];
		if (node->raft != NULL && (all || id == argument_number(arguments, 1)))
			world_tick(node, node->now_ms + by_ms);
	}
}

static void world_deliver(struct world *world, size_t nth)
{
	struct node_message *message = world->queue[nth];
	struct node *node = &world->nodes[message->head.to];
	world->queue_count--;
	memmove(&world->queue[nth], &world->queue[nth + 1], (world->queue_count - nth) * sizeof(struct node_message *));
	if (node->raft != NULL)
		node_receive(node, message);
	node_message_free(message);
}

static bool world_matches(const struct world *world, size_t nth, uint64_t from, uint64_t to)
{
	const struct raft_message *head = &world->queue[nth]->head;
	return (from == 0 || head->from == from) && (to == 0 || head->to == to);
}

/* deliver [from=A] [to=B] [count=N] [last=1] [type=T]: what waits now, not what comes of it */
static void command_deliver(struct world *world, const struct arguments *arguments)
{
	uint64_t from = argument_option(arguments, "from", 0), to = argument_option(arguments, "to", 0);
	uint64_t count = argument_option(arguments, "count", UINT64_MAX);
	uint64_t type = argument_option(arguments, "type", 0);
	size_t waiting = world->queue_count;
	for (size_t nth = 0; nth < waiting && count > 0;) {
		if (!world_matches(world, nth, from, to) || (type != 0 && world->queue[nth]->head.type != type)) {
			nth++;
			continue;
		}
		world_deliver(world, nth);
		waiting--;
		count--;
	}
}

/* drop [from=A] [to=B] [count=N]: what waits */
static void command_drop(struct world *world, const struct arguments *arguments)
{
	uint64_t from = argument_option(arguments, "from", 0), to = argument_option(arguments, "to", 0);
	uint64_t count = argument_option(arguments, "count", UINT64_MAX);
	for (size_t nth = 0; nth < world->queue_count && count > 0;) {
		if (!world_matches(world, nth, from, to)) {
			nth++;
			continue;
		}
		world_queue_drop(world, nth);
		count--;
	}
}

/* repeat [from=A] [to=B]: what waits is put behind the rest once more */
static void command_repeat(struct world *world, const struct arguments *arguments)
{
	uint64_t from = argument_option(arguments, "from", 0), to = argument_option(arguments, "to", 0);
	size_t waiting = world->queue_count;
	bool quiet = world->quiet;
	world->quiet = true;
	for (size_t nth = 0; nth < waiting; nth++)
		if (world_matches(world, nth, from, to))
			world_send(world, NULL, node_message_dup(world->queue[nth]));
	world->quiet = quiet;
}

/* delay [from=A] [to=B]: what waits goes behind the rest */
static void command_delay(struct world *world, const struct arguments *arguments)
{
	uint64_t from = argument_option(arguments, "from", 0), to = argument_option(arguments, "to", 0);
	size_t waiting = world->queue_count;
	for (size_t nth = 0; nth < waiting;) {
		struct node_message *message = world->queue[nth];
		if (!world_matches(world, nth, from, to)) {
			nth++;
			continue;
		}
		memmove(&world->queue[nth], &world->queue[nth + 1],
		        (world->queue_count - nth - 1) * sizeof(struct node_message *));
		world->queue[world->queue_count - 1] = message;
		waiting--;
	}
}

/* settle [quiet=1] [slow=ID]: messages are delivered and writes are durable, but those of one, until nothing is left to do; time
 * stands still */
static void command_settle(struct world *world, const struct arguments *arguments)
{
	bool busy = true;
	world->quiet = argument_option(arguments, "quiet", 0) != 0;
	for (int round = 0; busy; round++) {
		check(round < 10000);
		busy = world->queue_count > 0;
		for (size_t waiting = world->queue_count; waiting > 0; waiting--)
			world_deliver(world, 0);
		for (size_t id = 1; id <= WORLD_NODES_MAX; id++) {
			struct node *node = &world->nodes[id];
			if (node->raft == NULL || id == argument_option(arguments, "slow", 0))
				continue;
			busy = busy || node->write_count > 0;
			node_written(node, node->write_count);
		}
	}
	world->quiet = false;
}

/* written ID [COUNT]: so many of its writes, or all, are durable */
static void command_written(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	node_written(node, arguments->count > 2 ? argument_number(arguments, 2) : node->write_count);
}

static void world_print_answer(struct world *world, const struct node *node)
{
	if (node->update.proposal != ERR_OK)
		fprintf(world->out, "%ju: %s\n", (uintmax_t)node->id, err_name(node->update.proposal));
}

/* propose ID TEXT */
static void command_propose(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	node_propose(node, RAFT_ENTRY_COMMAND, bytes_of_string(argument_word(arguments, 2)));
	world_print_answer(world, node);
}

/* config ID simple|joint|auto|leave CHANGE...: proposes what follows from its latest configuration */
static void command_config(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	const char *how = argument_word(arguments, 2);
	struct raft_change changes[WORLD_ARGUMENTS_MAX];
	size_t count = argument_changes(arguments, 3, changes);
	AUTO_BUFFER struct buffer payload = {0};
	struct raft_config config;
	buffer_init(&payload, NODE_PAYLOAD_MAX);
	raft_config_init(&config);
	raft_config_copy(&config, raft_config_now(node->raft));
	enum err err = strcmp(how, "simple") == 0  ? raft_config_change(&config, changes, count)
	               : strcmp(how, "leave") == 0 ? raft_config_leave_joint(&config)
	                                           : raft_config_enter_joint(&config, changes, count);
	config.auto_leave = strcmp(how, "auto") == 0;
	if (err == ERR_OK) {
		raft_config_encode(&config, &payload);
		buffer_put(&payload, BYTES_LITERAL("addresses"));
		node_propose(node, RAFT_ENTRY_CONFIG, buffer_bytes(&payload));
		world_print_answer(world, node);
	} else {
		fprintf(world->out, "%s\n", err_name(err));
	}
	raft_config_fini(&config);
}

static void world_event(struct world *world, struct node *node, struct raft_event event)
{
	node_step(node, event);
	world_print_answer(world, node);
}

/* read ID READ_ID */
static void command_read(struct world *world, const struct arguments *arguments)
{
	world_event(world, argument_node(world, arguments, 1),
	            (struct raft_event){.type = RAFT_EVENT_READ, .read_id = argument_number(arguments, 2)});
}

/* transfer ID TO */
static void command_transfer(struct world *world, const struct arguments *arguments)
{
	world_event(world, argument_node(world, arguments, 1),
	            (struct raft_event){.type = RAFT_EVENT_TRANSFER, .peer = argument_number(arguments, 2)});
}

/* unreachable ID PEER */
static void command_unreachable(struct world *world, const struct arguments *arguments)
{
	world_event(world, argument_node(world, arguments, 1),
	            (struct raft_event){.type = RAFT_EVENT_UNREACHABLE, .peer = argument_number(arguments, 2)});
}

/* stall ID: its disk hangs */
static void command_stall(struct world *world, const struct arguments *arguments)
{
	world_event(world, argument_node(world, arguments, 1), (struct raft_event){.type = RAFT_EVENT_DISK_STALLED});
}

/* snapshot ID PEER: it stands ready at what ID has flushed */
static void command_snapshot(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	uint8_t payload[NODE_PAYLOAD_MAX];
	struct bytes config = node_config_at(node, node->flushed.applied);
	memcpy(payload, config.data, config.size);
	world_event(world, node,
	            (struct raft_event){.type = RAFT_EVENT_SNAPSHOT_READY,
	                                .peer = argument_number(arguments, 2),
	                                .index = node->flushed.applied,
	                                .term = node->flushed.applied_term,
	                                .config_payload = bytes_of(payload, config.size)});
}

/* fail ID [PEER [INDEX TERM]]: a fetch at ID; the snapshot that ID was to make for PEER; the one there that PEER was told of */
static void command_fail(struct world *world, const struct arguments *arguments)
{
	struct raft_event event = {.type = RAFT_EVENT_SNAPSHOT_FAILED};
	if (arguments->count > 2)
		event.peer = argument_number(arguments, 2);
	if (arguments->count > 4) {
		event.index = argument_number(arguments, 3);
		event.term = argument_number(arguments, 4);
	}
	if (event.peer == 0)
		argument_node(world, arguments, 1)->installing = 0;
	world_event(world, argument_node(world, arguments, 1), event);
}

/* install ID FROM: what FROM has flushed */
static void command_install(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	struct node *from = argument_node(world, arguments, 2);
	if (node->installing != from->flushed.applied)
		fprintf(world->out, "no fetch of index %ju\n", (uintmax_t)from->flushed.applied);
	else
		node_install(node, &from->flushed, node_config_at(from, from->flushed.applied));
}

/* flush ID; trim ID INDEX */
static void command_flush(struct world *world, const struct arguments *arguments)
{
	node_flush(argument_node(world, arguments, 1));
}

static void command_trim(struct world *world, const struct arguments *arguments)
{
	node_trim(argument_node(world, arguments, 1), argument_number(arguments, 2));
}

/* crash ID [keep=WRITES] [tear=ENTRIES]: so many of its writes reach the disk, and so many entries of the next one */
static void command_crash(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	uint64_t tear = argument_option(arguments, "tear", UINT64_MAX);
	for (uint64_t keep = argument_option(arguments, "keep", 0); keep > 0 && node->write_count > 0; keep--)
		node_tear(node, (struct node_tear){.vote = true, .truncated = true, .entries = node->writes[0].count});
	if (tear != UINT64_MAX)
		node_tear(node, (struct node_tear){.vote = true, .truncated = true, .entries = tear});
	node_crash(node);
}

/* restart ID [damaged=1]: damaged, its log is gone from the flushed state on */
static void command_restart(struct world *world, const struct arguments *arguments)
{
	struct node *node = argument_node(world, arguments, 1);
	if (argument_option(arguments, "damaged", 0) != 0)
		node_damage(node);
	world_start_node(world, node, node->now_ms + 1);
}

/* cut A B: what A sends to B is lost; heal: nothing is */
static void command_cut(struct world *world, const struct arguments *arguments)
{
	world->cut[argument_node(world, arguments, 1)->id][argument_node(world, arguments, 2)->id] = true;
}

static void command_isolate(struct world *world, const struct arguments *arguments)
{
	uint64_t id = argument_node(world, arguments, 1)->id;
	for (uint64_t other = 1; other <= WORLD_NODES_MAX; other++)
		world->cut[id][other] = world->cut[other][id] = true;
}

static void command_heal(struct world *world, const struct arguments *arguments)
{
	memset(world->cut, 0, sizeof world->cut);
}

static void world_print_config(struct world *world, const struct raft_config *config)
{
	fprintf(world->out, " config=");
	for (size_t i = 0; i < config->count; i++) {
		const struct raft_member *member = &config->members[i];
		fprintf(world->out, "%s%s%s%ju%s", i != 0 ? "," : "", member->voter ? "v" : "",
		        member->voter_outgoing ? "o" : "", (uintmax_t)member->id, member->learner_next ? "n" : "");
	}
}

static void world_print_status(struct world *world, struct node *node)
{
	struct raft_status status;
	struct raft_peer_status peers[WORLD_NODES_MAX];
	raft_status(node->raft, &status);
	fprintf(world->out, "%ju: %s term=%ju vote=%ju leader=%ju commit=%ju durable=%ju log=%ju..%ju",
	        (uintmax_t)status.id, raft_role_name(status.role), (uintmax_t)status.term, (uintmax_t)status.vote,
	        (uintmax_t)status.leader, (uintmax_t)status.commit, (uintmax_t)status.durable_index,
	        (uintmax_t)status.first_index, (uintmax_t)status.last_index);
	world_print_config(world, raft_config_now(node->raft));
	fprintf(world->out, "%s%s\n", node->update.removed ? " removed" : "", node->damaged ? " damaged" : "");
	size_t count = raft_peers(node->raft, peers, WORLD_NODES_MAX);
	for (size_t i = 0; i < count; i++)
		if (peers[i].id != node->id)
			fprintf(world->out, "   %ju: match=%ju next=%ju%s%s\n", (uintmax_t)peers[i].id,
			        (uintmax_t)peers[i].match, (uintmax_t)peers[i].next,
			        peers[i].recent_active ? "" : " silent", peers[i].snapshot ? " snapshot" : "");
}

/* status [ID] */
static void command_status(struct world *world, const struct arguments *arguments)
{
	for (uint64_t id = 1; id <= WORLD_NODES_MAX; id++)
		if (world->nodes[id].raft != NULL && (arguments->count == 1 || id == argument_number(arguments, 1)))
			world_print_status(world, &world->nodes[id]);
}

/* log ID: its terms; lease ID: for how long it has one */
static void command_log(struct world *world, const struct arguments *arguments)
{
	const struct node *node = argument_node(world, arguments, 1);
	fprintf(world->out, "base=%ju.%ju", (uintmax_t)node->log.base_index, (uintmax_t)node->log.base_term);
	for (size_t i = 0; i < node->log.count; i++)
		fprintf(world->out, " %ju", (uintmax_t)node->log.entries[i].term);
	fprintf(world->out, "\n");
}

static void command_lease(struct world *world, const struct arguments *arguments)
{
	const struct node *node = argument_node(world, arguments, 1);
	uint64_t until_ms = node->update.lease_until_ms;
	fprintf(world->out, "%ju ms\n", (uintmax_t)(until_ms > node->now_ms ? until_ms - node->now_ms : 0));
}

/* fake from=A to=B type=N term=T [index= index_term= commit= round= reject= hint= hint_term= read_id=]: B receives it */
static void command_fake(struct world *world, const struct arguments *arguments)
{
	struct node_message message = {0};
	message.head = (struct raft_message){.type = (enum raft_message_type)argument_option(arguments, "type", 0),
	                                     .from = argument_option(arguments, "from", 0),
	                                     .to = argument_option(arguments, "to", 0),
	                                     .term = argument_option(arguments, "term", 0),
	                                     .index = argument_option(arguments, "index", 0),
	                                     .index_term = argument_option(arguments, "index_term", 0),
	                                     .commit = argument_option(arguments, "commit", 0),
	                                     .round = argument_option(arguments, "round", 0),
	                                     .reject = argument_option(arguments, "reject", 0) != 0,
	                                     .transfer = argument_option(arguments, "transfer", 0) != 0,
	                                     .hint = argument_option(arguments, "hint", 0),
	                                     .hint_term = argument_option(arguments, "hint_term", 0),
	                                     .read_id = argument_option(arguments, "read_id", 0)};
	node_receive(&world->nodes[argument_option(arguments, "to", 1)], &message);
}

static const struct {
	const char *name;
	void (*run)(struct world *world, const struct arguments *arguments);
} world_commands[] = {
    {"add-nodes", command_add_nodes},
    {"campaign", command_campaign},
    {"tick", command_tick},
    {"deliver", command_deliver},
    {"drop", command_drop},
    {"repeat", command_repeat},
    {"delay", command_delay},
    {"settle", command_settle},
    {"written", command_written},
    {"propose", command_propose},
    {"config", command_config},
    {"read", command_read},
    {"transfer", command_transfer},
    {"unreachable", command_unreachable},
    {"stall", command_stall},
    {"snapshot", command_snapshot},
    {"fail", command_fail},
    {"install", command_install},
    {"flush", command_flush},
    {"trim", command_trim},
    {"crash", command_crash},
    {"restart", command_restart},
    {"cut", command_cut},
    {"isolate", command_isolate},
    {"heal", command_heal},
    {"status", command_status},
    {"log", command_log},
    {"lease", command_lease},

    {"fake", command_fake},
};

void world_command(struct world *world, char *command)
{
	struct arguments arguments = {0};
	char *rest = NULL;
	AUTO_FREE char *copy = memory_dup_string(command);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL && arguments.count < WORLD_ARGUMENTS_MAX;
	     word = strtok_r(NULL, " ", &rest))
		arguments.words[arguments.count++] = word;
	for (size_t i = 0; i < sizeof world_commands / sizeof world_commands[0]; i++) {
		if (strcmp(arguments.words[0], world_commands[i].name) != 0)
			continue;
		world_commands[i].run(world, &arguments);
		return;
	}
	fprintf(stderr, "no command %s\n", arguments.words[0]);
	exit(2);
}
