/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/when.h"

#define SECOND INT64_C(1000000000)
#define NOON (INT64_C(1796126400) * SECOND) /* 2026-12-01T12:00:00Z */

static void means(const char *text, int64_t time_ns)
{
	struct when when;
	assert_int_equal(when_parse(text, NOON, &when), ERR_OK);
	assert_int_equal(when.kind, WHEN_TIME);
	assert_int_equal(when.time_ns, time_ns);
}

static void digits_are_a_revision(void **state)
{
	struct when when;
	assert_int_equal(when_parse("4711", NOON, &when), ERR_OK);
	assert_int_equal(when.kind, WHEN_REVISION);
	assert_int_equal(when.revision, 4711);
}

static void a_time_is_utc_unless_it_says_where(void **state)
{
	means("2026-12-01T12:00:00Z", NOON);
	means("2026-12-01T12:00:00", NOON);
	means("2026-12-01 12:00", NOON);
	means("2026-12-01", NOON - 12 * 3600 * SECOND);
	means("2026-12-01T13:00:00+01:00", NOON);
	means("2026-12-01T06:30:00-0530", NOON);
	means("2026-12-01T12:00:01.25Z", NOON + 5 * SECOND / 4);
	means("2024-02-29T00:00Z", INT64_C(1709164800) * SECOND);
}

static void an_age_is_counted_back_from_now(void **state)
{
	means("-10m", NOON - 600 * SECOND);
	means("-1h30m", NOON - 5400 * SECOND);
	means("-500ms", NOON - SECOND / 2);
}

static void what_is_no_point_of_time_is_refused(void **state)
{
	static const char *const wrong[] = {"",
	                                    "0",
	                                    "-",
	                                    "-10",
	                                    "-5x",
	                                    "+10m",
	                                    "12a",
	                                    "9999999999999999999",
	                                    "2026-13-01",
	                                    "2026-00-10",
	                                    "2026-02-30",
	                                    "2026-12-01T25:00",
	                                    "2026-12-01T12:60",
	                                    "2026-12-01T12",
	                                    "2026-12-01T",
	                                    "2026-12-01T12:00:00.",
	                                    "2026-12-01T12:00:00+1",
	                                    "2026-12-01T12:00:00Zx",
	                                    "1969-12-31",
	                                    "now"};
	struct when when = {.revision = 7};
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		assert_int_equal(when_parse(wrong[at], NOON, &when), ERR_INVALID);
	assert_int_equal(when.revision, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(digits_are_a_revision),
	    cmocka_unit_test(a_time_is_utc_unless_it_says_where),
	    cmocka_unit_test(an_age_is_counted_back_from_now),
	    cmocka_unit_test(what_is_no_point_of_time_is_refused),
	};
	return UNIT_RUN(tests);
}
