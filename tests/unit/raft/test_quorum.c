/* SPDX-License-Identifier: Apache-2.0 */
/* Quorums against brute force: all sets of up to five voters in either half, and random larger ones. */
#include "raft/quorum.h"

#include "base/check.h"
#include "base/random.h"
#include "tests/unit/unit.h"

enum { MEMBERS = 5, ROUNDS = 20000 };

struct sample {
	struct raft_config config;
	uint64_t values[MEMBERS + 1];
	enum raft_ballot ballots[MEMBERS + 1];
};

static uint64_t sample_value(const void *argument, uint64_t id)
{
	return ((const struct sample *)argument)->values[id];
}

static enum raft_ballot sample_ballot(const void *argument, uint64_t id)
{
	return ((const struct sample *)argument)->ballots[id];
}

static void sample_draw(struct sample *sample, struct random *random)
{
	raft_config_init(&sample->config);
	for (uint64_t id = 1; id <= MEMBERS; id++) {
		struct raft_member member = {
		    .id = id, .voter = random_below(random, 2) != 0, .voter_outgoing = random_below(random, 2) != 0};
		enum err err = raft_config_set(&sample->config, member);
		check(err == ERR_OK);
		sample->values[id] = random_below(random, 6);
		sample->ballots[id] = (enum raft_ballot)random_below(random, 3);
	}
}

static bool in_half(const struct raft_member *member, int half)
{
	return half == 0 ? member->voter : member->voter_outgoing;
}

/* Have more than half of each half at least this much? */
static bool model_has_reached(const struct sample *sample, uint64_t value)
{
	for (int half = 0; half < 2; half++) {
		size_t voters = 0, have = 0;
		for (size_t i = 0; i < sample->config.count; i++) {
			const struct raft_member *member = &sample->config.members[i];
			voters += in_half(member, half);
			have += in_half(member, half) && sample->values[member->id] >= value;
		}
		if (voters != 0 && have * 2 <= voters)
			return false;
	}
	return true;
}

static void what_a_quorum_reached_is_what_brute_force_finds(void **state)
{
	struct sample sample;
	struct random random;
	random_init(&random, 3);
	for (int round = 0; round < ROUNDS; round++) {
		sample_draw(&sample, &random);
		uint64_t reached = raft_quorum_reached(&sample.config, sample_value, &sample);
		if (reached == UINT64_MAX)
			assert_true(model_has_reached(&sample, UINT64_MAX));
		else
			assert_true(model_has_reached(&sample, reached) && !model_has_reached(&sample, reached + 1));
		raft_config_fini(&sample.config);
	}
}

/* Can every (some) completion of the open ballots win both halves? */
static enum raft_ballot model_tally(const struct sample *sample)
{
	enum raft_ballot both = RAFT_BALLOT_YES;
	for (int half = 0; half < 2; half++) {
		size_t voters = 0, yes = 0, open = 0;
		for (size_t i = 0; i < sample->config.count; i++) {
			const struct raft_member *member = &sample->config.members[i];
			if (!in_half(member, half))
				continue;
			voters++;
			yes += sample->ballots[member->id] == RAFT_BALLOT_YES;
			open += sample->ballots[member->id] == RAFT_BALLOT_OPEN;
		}
		if (voters == 0 || yes * 2 > voters)
			continue;
		if ((yes + open) * 2 <= voters)
			return RAFT_BALLOT_NO;
		both = RAFT_BALLOT_OPEN;
	}
	return both;
}

static void a_tally_is_what_brute_force_finds(void **state)
{
	struct sample sample;
	struct random random;
	random_init(&random, 4);
	for (int round = 0; round < ROUNDS; round++) {
		sample_draw(&sample, &random);
		assert_int_equal(raft_quorum_tally(&sample.config, sample_ballot, &sample), model_tally(&sample));
		raft_config_fini(&sample.config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_a_quorum_reached_is_what_brute_force_finds),
	    cmocka_unit_test(a_tally_is_what_brute_force_finds),
	};
	return UNIT_RUN(tests);
}
