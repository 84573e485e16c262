/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_members.h"

#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "replica/replica.h"
#include "tests/sim/stack_checker.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_machine.h"

enum {
	MEMBERS_JOINERS_MAX = 4, /* of a run */
	MEMBERS_LEAST = 2,       /* who are left by removals */
	MEMBERS_ASK_MS = 3000,
	MEMBERS_AGAIN_US = 100 * WORLD_MS,
};

/* A change that somebody wants; one at a time of a run, but for the joiners, of which each goes on asking. */
struct wish {
	struct replica_change change;
	bool wanted; /* it has no answer yet */
	bool asked;  /* at `asked_at`, in its life */
	unsigned asked_at;
	unsigned joiner; /* ADD: the node that will be started; 0: none */
};

static struct {
	struct wish joins[MEMBERS_JOINERS_MAX], other;
	unsigned join_count;
} members;

static void wish_answered(void *argument, const struct replica_change_outcome *outcome);

/* At whoever is up. */
static void wish_ask(struct wish *wish)
{
	unsigned node = 1 + (unsigned)world_below(machine_count());
	if (!wish->wanted || wish->asked || !machine_is_up(node))
		return;
	wish->asked = true;
	wish->asked_at = node;
	world_enter(node);
	uint64_t deadline_ns = clock_steady_ns() + MEMBERS_ASK_MS * CLOCK_NS_PER_MS;
	enum err err = replica_change(machine_at(node)->replica, &wish->change, deadline_ns, wish_answered, wish);
	world_leave();
	check(err == ERR_OK || err == ERR_BUSY || err == ERR_STOPPED);
	if (err != ERR_OK)
		wish->asked = false;
}

static void members_on_again(const struct event *event)
{
	(void)event;
	for (unsigned i = 0; i < members.join_count; i++)
		wish_ask(&members.joins[i]);
	wish_ask(&members.other);
	for (unsigned node = 1; node <= machine_count(); node++)
		machine_look(node);
	world_plan(WORLD_MEMBERS, 0, world_below(MEMBERS_AGAIN_US), 0, NULL);
}

static void wish_done(struct wish *wish, const struct replica_change_outcome *outcome)
{
	counters_add(wish->joiner != 0 && wish->change.replaces != 0 ? COUNTER_MEMBER_REPLACED
	             : wish->joiner != 0                             ? COUNTER_MEMBER_ADDED
	             : wish->change.kind == REPLICA_REMOVE           ? COUNTER_MEMBER_REMOVED
	             : wish->change.kind == REPLICA_PROMOTE          ? COUNTER_MEMBER_PROMOTED
	                                                             : COUNTER_MEMBER_DEMOTED);
	if (wish->joiner == 0)
		return;
	if (outcome->id == 0 || machine_of_member(outcome->id) != 0)
		world_fail("a new member is given an id that is another's");
	machine_join(wish->joiner, outcome->id);
	world_plan(WORLD_BOOT, wish->joiner, world_below(WORLD_S), 0, NULL);
}

static void wish_answered(void *argument, const struct replica_change_outcome *outcome)
{
	struct wish *wish = argument;
	world_say(wish->asked_at, "change kind=%d member=%016jx: %s %s", (int)wish->change.kind, (uintmax_t)outcome->id,
	          err_name(outcome->err), outcome->why);
	wish->asked = false;
	if (outcome->err == ERR_OK)
		wish_done(wish, outcome);
	else
		counters_add(outcome->err == ERR_UNKNOWN_OUTCOME ? COUNTER_CHANGE_UNKNOWN : COUNTER_CHANGE_REFUSED);
	/* A joiner asks until it is let in; whoever else is refused thinks again. */
	if (outcome->err == ERR_OK || wish->joiner == 0)
		wish->wanted = false;
	if (wish->joiner != 0 && outcome->err == ERR_NOT_FOUND)
		wish->change.replaces = 0; /* whom it was to replace is gone */
}

void members_crashed(unsigned node)
{
	for (unsigned i = 0; i < members.join_count; i++)
		if (members.joins[i].asked && members.joins[i].asked_at == node)
			members.joins[i].asked = false;
	if (members.other.asked && members.other.asked_at == node)
		members.other.asked = false;
}

/* ---- wishes ---- */

static unsigned members_pick(void)
{
	unsigned node = 1 + (unsigned)world_below(machine_count());
	return checker_is_member(node) ? node : 0;
}

/* It gives no vote: of fewer voters the others might be no majority any more, and nobody could repair it. */
static bool members_is_any_damaged(void)
{
	for (unsigned node = 1; node <= machine_count(); node++)
		if (checker_is_damaged(node) && !machine_at(node)->gone)
			return true;
	return false;
}

static void members_wish_join(void)
{
	if (members.join_count == MEMBERS_JOINERS_MAX || machine_count() == WORLD_NODES_MAX)
		return;
	struct wish *wish = &members.joins[members.join_count++];
	unsigned replaced = world_chance(300000) && !members_is_any_damaged() ? members_pick() : 0;
	wish->joiner = machine_add();
	const struct machine *machine = machine_at(wish->joiner);
	wish->change = (struct replica_change){.kind = REPLICA_ADD,
	                                       .name = machine->name,
	                                       .peer_urls = machine->url,
	                                       .client_urls = "",
	                                       .claim = world_number() | UINT64_C(1) << 32,
	                                       .replaces = replaced != 0 ? machine_at(replaced)->member : 0};
	wish->wanted = true;
}

static void members_wish_other(void)
{
	static const enum replica_change_kind kinds[] = {REPLICA_REMOVE, REPLICA_PROMOTE, REPLICA_DEMOTE};
	unsigned node = members_pick();
	enum replica_change_kind kind = kinds[world_below(sizeof kinds / sizeof kinds[0])];
	if (kind != REPLICA_PROMOTE && members_is_any_damaged())
		return;
	if (node == 0 || members.other.wanted || (kind == REPLICA_REMOVE && checker_member_count() <= MEMBERS_LEAST))
		return;
	members.other = (struct wish){.change = {.kind = kind, .id = machine_at(node)->member}, .wanted = true};
}

void members_change(void)
{
	if (world_chance(500000))
		members_wish_join();
	else
		members_wish_other();
}

/* ---- who is gone ---- */

void members_retire(void)
{
	for (unsigned node = 1; node <= machine_count(); node++)
		if (checker_was_removed(node))
			machine_retire(node);
}

bool members_may_shrink(void)
{
	for (unsigned i = 0; i < members.join_count; i++) {
		unsigned replaced = machine_of_member(members.joins[i].change.replaces);
		if (replaced != 0 && !checker_was_removed(replaced))
			return true;
	}
	return members.other.wanted && members.other.change.kind != REPLICA_PROMOTE;
}

bool members_settled(void)
{
	for (unsigned i = 0; i < members.join_count; i++)
		if (members.joins[i].wanted)
			return false;
	return !members.other.wanted;
}

void members_begin(void)
{
	memset(&members, 0, sizeof members);
	world_handle(WORLD_MEMBERS, members_on_again);
	world_plan(WORLD_MEMBERS, 0, 0, 0, NULL);
}
