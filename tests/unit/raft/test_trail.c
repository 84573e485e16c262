/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/trail.h"

#include "base/random.h"
#include "tests/unit/unit.h"

enum { STEPS = 20000 };

static struct raft_trail_slot slot(uint64_t term, uint32_t size_bytes)
{
	return (struct raft_trail_slot){.term = term, .size_bytes = size_bytes, .kind = RAFT_ENTRY_COMMAND};
}

static void a_missing_entry_has_no_term(void **state)
{
	struct raft_trail trail;
	raft_trail_init(&trail, 10, 3);
	raft_trail_append(&trail, slot(4, 1));
	assert_int_equal(raft_trail_term(&trail, 9), 0);
	assert_int_equal(raft_trail_term(&trail, 10), 3);
	assert_int_equal(raft_trail_term(&trail, 11), 4);
	assert_int_equal(raft_trail_term(&trail, 12), 0);
	raft_trail_fini(&trail);
}

/* Against an array: appends, truncations and trims, so that the ring wraps. */
static void a_trail_agrees_with_its_model(void **state)
{
	static uint64_t terms[STEPS + 1];
	struct raft_trail trail;
	struct random random;
	uint64_t base = 0, last = 0, term = 1;
	random_init(&random, 5);
	raft_trail_init(&trail, 0, 0);
	for (int step = 0; step < STEPS; step++) {
		uint64_t what = random_below(&random, 10);
		if (what < 7) {
			term += random_below(&random, 4) == 0;
			terms[++last] = term;
			raft_trail_append(&trail, slot(term, 1));
		} else if (what < 9) {
			uint64_t cut = random_below(&random, 4);
			last = cut > last - base ? base : last - cut;
			raft_trail_truncate(&trail, last + 1);
			term = raft_trail_last_term(&trail) > term ? raft_trail_last_term(&trail) : term;
		} else {
			base += random_below(&random, last - base + 1);
			raft_trail_trim(&trail, base);
		}
		assert_int_equal(raft_trail_last(&trail), last);
		uint64_t probe = base + random_below(&random, last - base + 1);
		assert_int_equal(raft_trail_term(&trail, probe), terms[probe]);
	}
	raft_trail_fini(&trail);
}

static void the_hint_is_the_last_entry_that_could_match(void **state)
{
	static const uint64_t terms[] = {0, 1, 1, 1, 3, 3, 3, 5, 5};
	struct raft_trail trail;
	raft_trail_init(&trail, 0, 0);
	for (size_t i = 1; i < 9; i++)
		raft_trail_append(&trail, slot(terms[i], 1));
	for (uint64_t index = 0; index <= 10; index++) {
		for (uint64_t term = 0; term <= 6; term++) {
			uint64_t expected = index < 8 ? index : 8;
			while (expected > 0 && terms[expected] > term)
				expected--;
			assert_int_equal(raft_trail_hint(&trail, index, term), expected);
		}
	}
	raft_trail_trim(&trail, 5);
	assert_int_equal(raft_trail_hint(&trail, 3, 9), 5);
	assert_int_equal(raft_trail_hint(&trail, 8, 1), 5);
	assert_int_equal(raft_trail_hint(&trail, 8, 3), 6);
	raft_trail_fini(&trail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_missing_entry_has_no_term),
	    cmocka_unit_test(a_trail_agrees_with_its_model),
	    cmocka_unit_test(the_hint_is_the_last_entry_that_could_match),
	};
	return UNIT_RUN(tests);
}
