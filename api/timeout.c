/* SPDX-License-Identifier: Apache-2.0 */
#include "api/timeout.h"

#include <ctype.h>

#include "base/clock.h"

enum { TIMEOUT_DIGITS_MAX = 8 /* PROTOCOL-HTTP2: TimeoutValue */ };

/* 0: there is no such unit. */
static uint64_t timeout_unit_ns(char unit)
{
	switch (unit) {
	case 'H':
		return 3600 * CLOCK_NS_PER_S;
	case 'M':
		return 60 * CLOCK_NS_PER_S;
	case 'S':
		return CLOCK_NS_PER_S;
	case 'm':
		return CLOCK_NS_PER_MS;
	case 'u':
		return 1000;
	case 'n':
		return 1;
	default:
		return 0;
	}
}

/* Digits and a unit; what is more than 64 bits hold is as long as that. */
static enum err timeout_read(struct bytes text, uint64_t *ret_ns)
{
	uint64_t number = 0, unit_ns = text.size > 1 ? timeout_unit_ns((char)text.data[text.size - 1]) : 0;
	if (unit_ns == 0)
		return ERR_INVALID;
	for (size_t at = 0; at < text.size - 1; at++) {
		if (!isdigit(text.data[at]))
			return ERR_INVALID;
		if (number <= UINT64_MAX / 10 - 1)
			number = number * 10 + (uint64_t)(text.data[at] - '0');
	}
	if (__builtin_mul_overflow(number, unit_ns, ret_ns))
		*ret_ns = UINT64_MAX;
	return ERR_OK;
}

enum err timeout_of_grpc(struct bytes text, uint64_t *ret_ns)
{
	return text.size <= TIMEOUT_DIGITS_MAX + 1 ? timeout_read(text, ret_ns) : ERR_INVALID;
}

enum err timeout_of_gateway(struct bytes text, int64_t *ret_ns)
{
	bool negative = text.size != 0 && text.data[0] == '-',
	     signs = negative || (text.size != 0 && text.data[0] == '+');
	uint64_t ns = 0;
	enum err err = timeout_read(bytes_from(text, signs), &ns);
	if (err == ERR_OK)
		*ret_ns = negative && ns != 0 ? -1 : ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
	return err;
}
