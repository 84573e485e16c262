/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/lease.h"

#include "tests/unit/unit.h"

enum { TIMEOUT_MS = 1000 };

static void a_lease_runs_from_the_beginning_of_its_round(void **state)
{
	struct raft_lease lease;
	raft_lease_reset(&lease);
	uint64_t first = raft_lease_round(&lease, 5000);
	raft_lease_round(&lease, 5700);
	raft_lease_renew(&lease, first, TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 5800);
}

static void an_older_round_shortens_nothing(void **state)
{
	struct raft_lease lease;
	raft_lease_reset(&lease);
	uint64_t first = raft_lease_round(&lease, 5000), second = raft_lease_round(&lease, 5100);
	raft_lease_renew(&lease, second, TIMEOUT_MS);
	raft_lease_renew(&lease, first, TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 5900);
	raft_lease_renew(&lease, 0, TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 5900);
}

static void a_round_that_is_not_remembered_renews_nothing(void **state)
{
	struct raft_lease lease;
	raft_lease_reset(&lease);
	uint64_t first = raft_lease_round(&lease, 5000);
	for (uint64_t i = 1; i <= RAFT_ROUNDS_KEPT; i++)
		raft_lease_round(&lease, 5000 + i);
	raft_lease_renew(&lease, first, TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 0);
	raft_lease_renew(&lease, first + 1, TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 5801);
}

static void a_revoked_lease_stays_so(void **state)
{
	struct raft_lease lease;
	raft_lease_reset(&lease);
	raft_lease_renew(&lease, raft_lease_round(&lease, 5000), TIMEOUT_MS);
	raft_lease_revoke(&lease);
	assert_int_equal(lease.until_ms, 0);
	raft_lease_renew(&lease, raft_lease_round(&lease, 6000), TIMEOUT_MS);
	assert_int_equal(lease.until_ms, 0);
}

/* A member's patience is one timeout by its clock, the lease is by the leader's: 11 % either way must not matter. */
static void a_lease_ends_before_the_patience_of_a_fast_clock(void **state)
{
	struct raft_lease lease;
	raft_lease_reset(&lease);
	raft_lease_renew(&lease, raft_lease_round(&lease, 0), TIMEOUT_MS);
	assert_true((double)lease.until_ms / 0.89 < (double)TIMEOUT_MS / 1.11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_lease_runs_from_the_beginning_of_its_round),
	    cmocka_unit_test(an_older_round_shortens_nothing),
	    cmocka_unit_test(a_round_that_is_not_remembered_renews_nothing),
	    cmocka_unit_test(a_revoked_lease_stays_so),
	    cmocka_unit_test(a_lease_ends_before_the_patience_of_a_fast_clock),
	};
	return UNIT_RUN(tests);
}
