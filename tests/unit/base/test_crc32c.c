/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include "tests/unit/unit.h"

/* RFC 3720 appendix B.4 */
static void the_values_of_the_rfc_come_out(void **state)
{
	uint8_t zeros[32] = {0}, ones[32], rising[32];
	memset(ones, 0xff, sizeof ones);
	for (int i = 0; i < 32; i++)
		rising[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, bytes_of(zeros, 32)), 0x8a9136aa);
	assert_int_equal(crc32c(0, bytes_of(ones, 32)), 0x62a8ab43);
	assert_int_equal(crc32c(0, bytes_of(rising, 32)), 0x46dd794e);
	assert_int_equal(crc32c(0, BYTES_LITERAL("123456789")), 0xe3069283);
}

static void a_chain_of_parts_equals_the_whole(void **state)
{
	uint32_t whole = crc32c(0, BYTES_LITERAL("one part and another"));
	uint32_t parts = crc32c(crc32c(0, BYTES_LITERAL("one part")), BYTES_LITERAL(" and another"));
	assert_int_equal(whole, parts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_values_of_the_rfc_come_out),
	    cmocka_unit_test(a_chain_of_parts_equals_the_whole),
	};
	return UNIT_RUN(tests);
}
