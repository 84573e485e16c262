/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/progress.h"

#include "base/check.h"
#include "tests/unit/unit.h"

enum { INFLIGHT = 3, BYTES_MAX = 1000 };

static struct raft_peer *one_peer(struct raft_peers *peers, uint64_t next)
{
	struct raft_config config;
	raft_config_init(&config);
	enum err err = raft_config_set(&config, (struct raft_member){.id = 7, .voter = true});
	check(err == ERR_OK);
	*peers = (struct raft_peers){0};
	raft_peers_follow(peers, &config, next, 1, INFLIGHT);
	raft_config_fini(&config);
	return raft_peers_find(peers, 7);
}

static void what_is_in_flight_is_bounded_in_messages_and_bytes(void **state)
{
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 1);
	raft_peer_replicate(peer);
	raft_peer_sent(peer, 1, 10);
	raft_peer_sent(peer, 2, 10);
	assert_false(raft_peer_is_full(peer, BYTES_MAX));
	raft_peer_sent(peer, 3, 10);
	assert_true(raft_peer_is_full(peer, BYTES_MAX));
	assert_true(raft_peer_accepted(peer, 2));
	assert_false(raft_peer_is_full(peer, BYTES_MAX));
	raft_peer_sent(peer, 4, BYTES_MAX);
	assert_true(raft_peer_is_full(peer, BYTES_MAX));
	assert_true(raft_peer_accepted(peer, 4));
	assert_int_equal(peer->inflight_bytes, 0);
	assert_int_equal(peer->next, 5);
	raft_peer_holds(peer);
	raft_peers_fini(&peers);
}

static void an_old_acceptance_takes_nothing_back(void **state)
{
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 1);
	raft_peer_replicate(peer);
	assert_true(raft_peer_accepted(peer, 9));
	assert_false(raft_peer_accepted(peer, 4));
	assert_int_equal(peer->match, 9);
	assert_int_equal(peer->next, 10);
	raft_peers_fini(&peers);
}

static void an_old_rejection_moves_nothing(void **state)
{
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 10);
	assert_false(raft_peer_rejected(peer, 4, 3)); /* it is asked about 9 */
	assert_int_equal(peer->next, 10);
	assert_true(raft_peer_rejected(peer, 9, 3));
	assert_int_equal(peer->next, 4);
	raft_peer_accepted(peer, 5);
	raft_peer_replicate(peer);
	assert_false(raft_peer_rejected(peer, 5, 2)); /* it has matched 5 meanwhile */
	assert_int_equal(peer->progress, RAFT_REPLICATE);
	assert_true(raft_peer_rejected(peer, 8, 2));
	assert_int_equal(peer->progress, RAFT_PROBE);
	assert_int_equal(peer->next, 6); /* never below what it has matched */
	raft_peers_fini(&peers);
}

/* A disk may lose the tail of a log without a trace: only the last batches are not on record elsewhere. */
static void a_member_that_lost_what_it_acknowledged_gets_it_again(void **state)
{
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 1);
	raft_peer_accepted(peer, 9);
	raft_peer_replicate(peer);
	raft_peer_probe(peer); /* its connection broke */
	assert_int_equal(peer->next, 10);
	assert_false(raft_peer_rejected(peer, 8, 7));
	assert_true(raft_peer_rejected(peer, 9, 6));
	assert_int_equal(peer->match, 6);
	assert_int_equal(peer->next, 7);
	assert_true(raft_peer_accepted(peer, 9));
	raft_peers_fini(&peers);
	peer = one_peer(&peers, 1);
	assert_false(raft_peer_rejected(peer, 0, 0)); /* nonsense: all have what is before the first entry */
	raft_peers_fini(&peers);
}

static void a_probe_goes_on_behind_the_snapshot(void **state)
{
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 3);
	raft_peer_snapshot(peer);
	assert_false(raft_peer_rejected(peer, 2, 1));
	raft_peer_offer(peer, 40, 2, BYTES_LITERAL("configuration"));
	raft_peer_probe(peer);
	assert_int_equal(peer->next, 41);
	assert_null(peer->offer.payload);
	raft_peers_fini(&peers);
}

static void who_stays_in_the_configuration_keeps_its_progress(void **state)
{
	struct raft_config config;
	struct raft_peers peers;
	struct raft_peer *peer = one_peer(&peers, 1);
	raft_peer_accepted(peer, 5);
	raft_config_init(&config);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 3}), ERR_OK);
	assert_int_equal(raft_config_set(&config, (struct raft_member){.id = 7, .voter = true}), ERR_OK);
	raft_peers_follow(&peers, &config, 9, 1, INFLIGHT);
	assert_int_equal(raft_peers_find(&peers, 7)->match, 5);
	assert_int_equal(raft_peers_find(&peers, 3)->match, 0);
	assert_int_equal(raft_peers_find(&peers, 3)->next, 9);
	assert_null(raft_peers_find(&peers, 4));
	raft_config_fini(&config);
	raft_peers_fini(&peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_in_flight_is_bounded_in_messages_and_bytes),
	    cmocka_unit_test(an_old_acceptance_takes_nothing_back),
	    cmocka_unit_test(an_old_rejection_moves_nothing),
	    cmocka_unit_test(a_member_that_lost_what_it_acknowledged_gets_it_again),
	    cmocka_unit_test(a_probe_goes_on_behind_the_snapshot),
	    cmocka_unit_test(who_stays_in_the_configuration_keeps_its_progress),
	};
	return UNIT_RUN(tests);
}
