/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/reports.h"

#include <string.h>

#include "base/limits.h"
#include "tests/unit/unit.h"

static const uint64_t voters[] = {1, 2, 3};

static void hear_mark(struct reports *reports, uint64_t member, uint64_t index, uint64_t checksum)
{
	Peer__Mark mark = PEER__MARK__INIT, *marks[1] = {&mark};
	Peer__Status status = PEER__STATUS__INIT;
	mark.index = index;
	mark.checksum = checksum;
	status.n_marks = 1;
	status.marks = marks;
	status.version =
	    (char *)"a version that is longer than any that we have given, by far: it is cut to what there is room for";
	reports_heard(reports, member, &status, 0);
}

static bool contradicted(struct reports *reports, uint64_t index, uint64_t checksum)
{
	struct report_mark mark = {index, checksum};
	uint64_t where = 0;
	const struct report_jury jury = {
	    .voters = voters, .voter_count = 3, .self = 1, .marks = &mark, .mark_count = 1};
	bool found = reports_contradict(reports, &jury, 1, &where);
	assert_int_equal(where, found ? index : 0);
	return found;
}

static void only_a_majority_that_agrees_contradicts(void **state)
{
	struct reports *reports = reports_new();
	assert_false(contradicted(reports, 1024, 7));
	hear_mark(reports, 2, 1024, 8);
	assert_false(contradicted(reports, 1024, 7)); /* one against one */
	hear_mark(reports, 3, 1024, 9);
	assert_false(contradicted(reports, 1024, 7)); /* nobody agrees with anybody */
	hear_mark(reports, 3, 1024, 8);
	assert_true(contradicted(reports, 1024, 7));
	assert_false(contradicted(reports, 1024, 8));
	assert_false(contradicted(reports, 2048, 7)); /* they speak of another index */
	hear_mark(reports, 3, 2048, 8);
	assert_false(contradicted(reports, 1024, 7));
	reports_free(reports);
}

static void who_does_not_vote_is_not_asked(void **state)
{
	struct reports *reports = reports_new();
	hear_mark(reports, 8, 1024, 8);
	hear_mark(reports, 9, 1024, 8);
	assert_false(contradicted(reports, 1024, 7));
	reports_free(reports);
}

/* As a leader looks: it is one of those who say so, and is in no report. */
static void another_member_is_contradicted_with_our_own_voice(void **state)
{
	struct reports *reports = reports_new();
	struct report_mark ours = {1024, 7};
	struct report_jury jury = {.voters = voters, .voter_count = 3, .self = 1, .marks = &ours, .mark_count = 1};
	uint64_t where = 0;
	hear_mark(reports, 2, 1024, 8);
	assert_false(reports_contradict(reports, &jury, 2, &where)); /* one against one */
	hear_mark(reports, 3, 1024, 7);
	assert_true(reports_contradict(reports, &jury, 2, &where));
	assert_int_equal(where, 1024);
	assert_false(reports_contradict(reports, &jury, 3, &where));
	hear_mark(reports, 9, 1024, 8); /* a learner */
	assert_true(reports_contradict(reports, &jury, 9, &where));
	assert_false(reports_contradict(reports, &jury, 4, &where)); /* nothing was heard of it */
	reports_free(reports);
}

static void a_snapshot_on_its_way_is_told_of(void **state)
{
	struct reports *reports = reports_new();
	struct report report = {0};
	Peer__Status status = PEER__STATUS__INIT;
	status.snapshot_done_bytes = 3;
	status.snapshot_total_bytes = 10;
	reports_heard(reports, 2, &status, 0);
	assert_true(reports_find(reports, 2, &report));
	assert_int_equal(report.snapshot_done_bytes, 3);
	assert_int_equal(report.snapshot_total_bytes, 10);
	reports_free(reports);
}

static void the_newest_report_of_each_is_kept(void **state)
{
	struct reports *reports = reports_new();
	struct report report;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct report *all = NULL;
	assert_false(reports_find(reports, 2, &report));
	hear_mark(reports, 2, 1024, 8);
	hear_mark(reports, 2, 2048, 9);
	assert_true(reports_find(reports, 2, &report));
	assert_int_equal(report.marks[0].index, 2048);
	assert_int_equal(strlen(report.version), REPORT_VERSION_BYTES_MAX - 1);
	assert_int_equal(reports_all(reports, &arena, &all), 1);
	reports_free(reports);
}

/* There is a place for as many as can be members at once, and many may come and go. */
static void those_of_members_that_are_gone_make_room(void **state)
{
	struct arena arena;
	struct report report, *all = NULL;
	arena_init(&arena);
	struct reports *reports = reports_new();
	for (uint64_t id = 1; id <= LIMIT_MEMBERS; id++)
		hear_mark(reports, id, 1024, 8);
	hear_mark(reports, 1000, 1024, 8);
	assert_false(reports_find(reports, 1000, &report));
	reports_keep(reports, voters, 3);
	assert_int_equal(reports_all(reports, &arena, &all), 3);
	hear_mark(reports, 1000, 1024, 8);
	assert_true(reports_find(reports, 1000, &report));
	assert_true(reports_find(reports, 3, &report));
	reports_free(reports);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_a_majority_that_agrees_contradicts),
	    cmocka_unit_test(who_does_not_vote_is_not_asked),
	    cmocka_unit_test(another_member_is_contradicted_with_our_own_voice),
	    cmocka_unit_test(a_snapshot_on_its_way_is_told_of),
	    cmocka_unit_test(the_newest_report_of_each_is_kept),
	    cmocka_unit_test(those_of_members_that_are_gone_make_room),
	};
	return UNIT_RUN(tests);
}
