/* SPDX-License-Identifier: Apache-2.0 */
/* The side that is asked by a joiner: the leader adds it, the others say who leads. */
#include "replica/node.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/join.h"

/* An ask under way; freed with its answer. */
struct asker {
	struct replica *replica;
	uint64_t ticket;
	char *name;
};

/* ---- answers ---- */

static void asker_answer(struct replica *replica, uint64_t ticket, enum join_outcome outcome, const char *why)
{
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	answer.outcome = outcome;
	answer.why = (char *)why;
	transport_answer(replica->transport, ticket, &answer);
}

static void asker_refuse(struct replica *replica, uint64_t ticket, const char *name, const char *why)
{
	log_info("join_refused", "name=%.64s reason=\"%s\"", name, why);
	asker_answer(replica, ticket, JOIN_REFUSED, why);
}

static Peer__JoinMember **asker_members(const struct kv_member *members, size_t count, struct arena *arena)
{
	Peer__JoinMember **list = arena_zero(arena, count, sizeof(Peer__JoinMember *));
	for (size_t i = 0; i < count; i++) {
		list[i] = arena_take(arena, sizeof(Peer__JoinMember));
		peer__join_member__init(list[i]);
		list[i]->id = members[i].id;
		list[i]->name = (char *)members[i].name;
		list[i]->peer_urls = (char *)members[i].peer_urls;
	}
	return list;
}

static void asker_let_in(struct replica *replica, uint64_t ticket, const char *name, uint64_t member)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_members(view, &arena, &list);
	kv_view_close(view);
	if (err != ERR_OK) { /* logged; it asks again */
		asker_answer(replica, ticket, JOIN_LATER, "the disk of the leader is damaged");
		return;
	}
	Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
	answer.outcome = JOIN_LET_IN;
	answer.cluster = replica->identity.cluster;
	answer.token = replica->identity.token;
	answer.member = member;
	answer.n_initial = replica->identity.member_count;
	answer.initial = asker_members(replica->identity.members, answer.n_initial, &arena);
	answer.n_members = list.count;
	answer.members = asker_members(list.members, list.count, &arena);
	log_info("join_granted", "name=%.64s member=%016" PRIx64, name, member);
	transport_answer(replica->transport, ticket, &answer);
}

/* Most often it is the same machine, which has lost its disk. */
static void asker_refuse_taken(const struct asker *asker, const char *why)
{
	AUTO_FREE char *text =
	    memory_format("%s. If it is dead, or this machine was that member and has lost its data directory: give "
	                  "--replace with its name",
	                  why);
	asker_refuse(asker->replica, asker->ticket, asker->name, text);
}

/* replica_changed. */
static void asker_changed(void *argument, const struct replica_change_outcome *outcome)
{
	struct asker *asker = argument;
	switch ((int)outcome->err) {
	case ERR_OK:
		asker_let_in(asker->replica, asker->ticket, asker->name, outcome->id);
		break;
	case ERR_EXISTS:
		asker_refuse_taken(asker, outcome->why);
		break;
	case ERR_NOT_FOUND:
	case ERR_INVALID:
	case ERR_LIMIT:
		asker_refuse(asker->replica, asker->ticket, asker->name,
		             outcome->why[0] != 0 ? outcome->why : err_text(outcome->err));
		break;
	default:
		asker_answer(asker->replica, asker->ticket, JOIN_LATER, err_text(outcome->err));
	}
	free(asker->name);
	free(asker);
}

/* ---- asks ---- */

static bool asker_names(const struct kv_member *member, const char *text)
{
	char id[17];
	snprintf(id, sizeof id, "%016" PRIx64, member->id);
	return strcmp(member->name, text) == 0 || strcmp(id, text) == 0;
}

/* The member with that name or id. */
static enum err asker_find(struct replica *replica, const char *text, uint64_t *ret_id)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_members(view, &arena, &list);
	kv_view_close(view);
	if (err != ERR_OK)
		return err;
	for (size_t i = 0; i < list.count; i++) {
		if (asker_names(&list.members[i], text)) {
			*ret_id = list.members[i].id;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

/* By a follower. */
static void asker_redirect(struct replica *replica, uint64_t ticket, uint64_t leader)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct kv_member_list list = {0};
	struct kv_view *view = kv_view_open(store_kv(replica->store));
	enum err err = kv_members(view, &arena, &list);
	kv_view_close(view);
	for (size_t i = 0; err == ERR_OK && i < list.count; i++) {
		if (list.members[i].id != leader)
			continue;
		Peer__JoinAnswer answer = PEER__JOIN_ANSWER__INIT;
		const char *urls = list.members[i].peer_urls;
		answer.outcome = JOIN_ELSEWHERE;
		answer.url = arena_dup_string(&arena, bytes_of(urls, strcspn(urls, ",")));
		transport_answer(replica->transport, ticket, &answer);
		return;
	}
	asker_answer(replica, ticket, JOIN_LATER, "the leader is not known yet");
}

/* NULL: it can be asked of the leader. */
static const char *asker_fault(const struct replica *replica, const Peer__Join *join, struct arena *arena)
{
	if (join->version != TRANSPORT_PROTOCOL)
		return arena_format(arena, "it speaks version %u of the protocol, the cluster %d: use the same program",
		                    join->version, TRANSPORT_PROTOCOL);
	if (join->election_timeout_ms != replica->options.election_timeout_ms)
		return arena_format(arena,
		                    "its election timeout is %u ms, the cluster's %u ms: give --election-timeout %ums",
		                    join->election_timeout_ms, replica->options.election_timeout_ms,
		                    replica->options.election_timeout_ms);
	if (join->claim <= KV_CLAIM_OPEN || join->name[0] == 0 || join->peer_urls[0] == 0)
		return "it does not say who it is and where";
	return NULL;
}

/* The leader, whose state is all that is committed: what it does not know of is not there. */
static void asker_add(struct replica *replica, uint64_t ticket, const Peer__Join *join)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct replica_change change = {
	    .kind = REPLICA_ADD,
	    .name = join->name,
	    .peer_urls = join->peer_urls,
	    .client_urls = join->client_urls,
	    .claim = join->claim,
	};
	if (join->replace[0] != 0 && asker_find(replica, join->replace, &change.replaces) != ERR_OK) {
		asker_refuse(replica, ticket, join->name,
		             arena_format(&arena,
		                          "no member is called %.64s: leave out --replace, or see `etcfs members`",
		                          join->replace));
		return;
	}
	struct asker *asker = memory_new(sizeof *asker);
	*asker = (struct asker){.replica = replica, .ticket = ticket, .name = memory_dup_string(join->name)};
	uint64_t deadline_ns = clock_steady_ns() + JOIN_CHANGE_TIMEOUT_MS * CLOCK_NS_PER_MS;
	enum err err = replica_change(replica, &change, deadline_ns, asker_changed, asker);
	if (err == ERR_OK)
		return;
	struct replica_change_outcome outcome = {.err = err, .why = ""};
	asker_changed(asker, &outcome);
}

void node_asked(void *argument, uint64_t ticket, const Peer__Join *join)
{
	struct replica *replica = argument;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	uint64_t leader = atomic_load(&replica->shown.leader), index = 0;
	const char *fault = asker_fault(replica, join, &arena);
	if (fault != NULL)
		asker_refuse(replica, ticket, join->name, fault);
	else if (leader == 0)
		asker_answer(replica, ticket, JOIN_LATER, "there is no leader");
	else if (leader != replica->identity.member)
		asker_redirect(replica, ticket, leader);
	else if (!node_lease_index(replica, &index) || store_applied(replica->store) < index)
		asker_answer(replica, ticket, JOIN_LATER, "the leader has just been elected");
	else
		asker_add(replica, ticket, join);
}
