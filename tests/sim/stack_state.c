/* SPDX-License-Identifier: Apache-2.0 */
/* What the checker sees of the state machines: each entry that is applied, and the state after it. */
#include "tests/sim/stack_state.h"

#include "base/check.h"
#include "replica/node.h"
#include "store/view.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_faults.h"
#include "tests/sim/stack_history.h"
#include "tests/sim/stack_ledger.h"
#include "tests/sim/stack_machine.h"

static void state_sum(unsigned node, struct store *store)
{
	struct kv_view *view = kv_view_open(store_kv(store));
	ledger_sum(node, view->state.index, view->state.checksum);
	kv_view_close(view);
}

static void state_entry(unsigned node, const struct store_entry *entry, struct arena *arena)
{
	const struct ledger_slot *slot = ledger_at(entry->index);
	struct raftlog_entry written = {.index = entry->index,
	                                .term = entry->term,
	                                .kind = entry->is_config ? RAFT_ENTRY_CONFIG
	                                        : entry->is_noop ? RAFT_ENTRY_NOOP
	                                                         : RAFT_ENTRY_COMMAND,
	                                .time_ns = entry->time_ns,
	                                .payload = entry->payload};
	struct ledger_entry now = ledger_entry_of(&written);
	if (slot->entry.term != now.term || slot->entry.hash != now.hash || slot->entry.kind != now.kind)
		world_fail("n%u applies at index %ju what is not committed there", node, (uintmax_t)entry->index);
	if (entry->is_config || entry->is_noop)
		return;
	struct kv_command command;
	enum err err = kv_command_decode(entry->payload, arena, &command);
	check(err == ERR_OK);
	history_applying(entry->index, &command);
}

/* The members that the state knows are those of its configuration. */
static void state_members(unsigned node, struct store *store, struct arena *arena)
{
	struct bytes payload = BYTES_NONE, rest = BYTES_NONE;
	struct kv_member_list list = {0};
	struct raft_config config;
	raft_config_init(&config);
	struct kv_view *view = kv_view_open(store_kv(store));
	enum err err = store_config(store, arena, &payload);
	if (err == ERR_OK)
		err = raft_config_decode(payload, &config, &rest);
	if (err == ERR_OK)
		err = kv_members(view, arena, &list);
	check(err == ERR_OK);
	kv_view_close(view);
	bool same = list.count == config.count;
	for (size_t i = 0; same && i < list.count; i++)
		same = raft_config_find(&config, list.members[i].id) != NULL;
	if (!same)
		world_fail("n%u knows other members than are in its configuration", node);
	raft_config_fini(&config);
}

void __real_store_apply(struct store *store, const struct store_entry *entries, size_t count, const bool *wanted,
                        struct kv_result **ret_results);
void __wrap_store_apply(struct store *store, const struct store_entry *entries, size_t count, const bool *wanted,
                        struct kv_result **ret_results);
void __wrap_store_apply(struct store *store, const struct store_entry *entries, size_t count, const bool *wanted,
                        struct kv_result **ret_results)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	unsigned node = world_node();
	if (entries[0].index != store_applied(store) + 1)
		world_fail("n%u applies index %ju after %ju", node, (uintmax_t)entries[0].index,
		           (uintmax_t)store_applied(store));
	for (size_t i = 0; i < count; i++)
		state_entry(node, &entries[i], &arena);
	__real_store_apply(store, entries, count, wanted, ret_results);
	history_applied(node, entries[count - 1].index);
	for (size_t i = 0; i < count; i++)
		if (entries[i].is_config) {
			state_members(node, store, &arena);
			break;
		}
	state_sum(node, store);
}

enum err __real_store_snapshot_install(struct store *store, const char *directory);
enum err __wrap_store_snapshot_install(struct store *store, const char *directory);
enum err __wrap_store_snapshot_install(struct store *store, const char *directory)
{
	unsigned node = world_node();
	uint64_t before = store_applied(store);
	enum err err = __real_store_snapshot_install(store, directory);
	if (err != ERR_OK)
		return err;
	if (store_applied(store) < before)
		world_fail("n%u installs a state of index %ju over one of %ju", node, (uintmax_t)store_applied(store),
		           (uintmax_t)before);
	counters_add(COUNTER_SNAPSHOT_INSTALLED);
	faults_moment(node);
	history_stands(node, store_applied(store));
	state_sum(node, store);
	return ERR_OK;
}

enum err __real_store_snapshot_make(struct store *store, const char *directory, struct arena *arena,
                                    struct store_snapshot *ret_snapshot);
enum err __wrap_store_snapshot_make(struct store *store, const char *directory, struct arena *arena,
                                    struct store_snapshot *ret_snapshot);
enum err __wrap_store_snapshot_make(struct store *store, const char *directory, struct arena *arena,
                                    struct store_snapshot *ret_snapshot)
{
	counters_add(COUNTER_SNAPSHOT_MADE);
	return __real_store_snapshot_make(store, directory, arena, ret_snapshot);
}

void state_opened(unsigned node)
{
	struct store *store = machine_at(node)->replica->store;
	history_stands(node, store_applied(store));
	state_sum(node, store);
}
