/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/quantity.h"

static void sizes_are_powers_of_two(void **state)
{
	uint64_t bytes;
	assert_int_equal(quantity_bytes("4096", &bytes), ERR_OK);
	assert_int_equal(bytes, 4096);
	assert_int_equal(quantity_bytes("64MiB", &bytes), ERR_OK);
	assert_int_equal(bytes, 64 << 20);
	assert_int_equal(quantity_bytes("2G", &bytes), ERR_OK);
	assert_int_equal(bytes, UINT64_C(2) << 30);
}

static void times_are_milliseconds(void **state)
{
	uint64_t ms;
	assert_int_equal(quantity_ms("250", &ms), ERR_OK);
	assert_int_equal(ms, 250);
	assert_int_equal(quantity_ms("10s", &ms), ERR_OK);
	assert_int_equal(ms, 10000);
	assert_int_equal(quantity_ms("24h", &ms), ERR_OK);
	assert_int_equal(ms, 24 * 60 * 60 * 1000);
}

static void durations_add_up(void **state)
{
	static const char *const wrong[] = {
	    "", "10", "h", "1h30", "1d", "1h 30m", "-1h", "1000000000h", "18446744073709551615h"};
	uint64_t ms = 7;
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		assert_int_equal(quantity_duration_ms(wrong[at], &ms), ERR_INVALID);
	assert_int_equal(ms, 7);
	assert_int_equal(quantity_duration_ms("72h", &ms), ERR_OK);
	assert_int_equal(ms, 72 * 60 * 60 * 1000);
	assert_int_equal(quantity_duration_ms("1h30m", &ms), ERR_OK);
	assert_int_equal(ms, 90 * 60 * 1000);
	assert_int_equal(quantity_duration_ms("1m0s500ms", &ms), ERR_OK);
	assert_int_equal(ms, 60500);
}

static void nonsense_is_refused(void **state)
{
	static const char *const wrong[] = {
	    "", " 1", "-1", "+1", "1 MiB", "MiB", "1.5", "1mib", "0x1", "1Mi", "18446744073709551616", "16777216TiB"};
	uint64_t value = 7;
	for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++)
		assert_int_equal(quantity_bytes(wrong[at], &value), ERR_INVALID);
	assert_int_equal(quantity_ms("25h", &value), ERR_INVALID);
	assert_int_equal(quantity_ms("1d", &value), ERR_INVALID);
	assert_int_equal(value, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sizes_are_powers_of_two),
	    cmocka_unit_test(times_are_milliseconds),
	    cmocka_unit_test(durations_add_up),
	    cmocka_unit_test(nonsense_is_refused),
	};
	return UNIT_RUN(tests);
}
