/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct quantity_unit {
	const char *suffix;
	uint64_t factor;
};

static const struct quantity_unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"K", UINT64_C(1) << 10},
    {"M", UINT64_C(1) << 20},
    {"G", UINT64_C(1) << 30},
    {"T", UINT64_C(1) << 40},
    {"KB", UINT64_C(1) << 10},
    {"MB", UINT64_C(1) << 20},
    {"GB", UINT64_C(1) << 30},
    {"TB", UINT64_C(1) << 40},
};

static const struct quantity_unit time_units[] = {
    {"", 1}, {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000},
};

enum { QUANTITY_MS_MAX = 24 * 60 * 60 * 1000, QUANTITY_UNIT_CHARS_MAX = 2 };
#define QUANTITY_DURATION_MS_MAX (UINT64_C(100) * 365 * 24 * 60 * 60 * 1000)

static enum err quantity_parse(const char *text, const struct quantity_unit *units, size_t count, uint64_t *ret_value)
{
	if (!isdigit((unsigned char)text[0])) /* strtoull would take spaces and signs */
		return ERR_INVALID;
	char *suffix;
	errno = 0;
	unsigned long long number = strtoull(text, &suffix, 10);
	if (errno != 0)
		return ERR_INVALID;
	for (size_t at = 0; at < count; at++) {
		if (strcmp(suffix, units[at].suffix) != 0)
			continue;
		uint64_t value;
		if (__builtin_mul_overflow((uint64_t)number, units[at].factor, &value))
			return ERR_INVALID;
		*ret_value = value;
		return ERR_OK;
	}
	return ERR_INVALID;
}

enum err quantity_bytes(const char *text, uint64_t *ret_bytes)
{
	return quantity_parse(text, byte_units, sizeof byte_units / sizeof *byte_units, ret_bytes);
}

enum err quantity_count(const char *text, uint64_t *ret_count)
{
	return quantity_parse(text, byte_units, 1, ret_count); /* the first has no suffix */
}

enum err quantity_ms(const char *text, uint64_t *ret_ms)
{
	uint64_t ms;
	enum err err = quantity_parse(text, time_units, sizeof time_units / sizeof *time_units, &ms);
	if (err != ERR_OK || ms > QUANTITY_MS_MAX)
		return ERR_INVALID;
	*ret_ms = ms;
	return ERR_OK;
}

/* One number and its unit; *text goes behind it. */
static enum err quantity_take(const char **text, uint64_t *ret_ms)
{
	char part[32] = "";
	size_t digits = strspn(*text, "0123456789"), size = digits;
	while (isalpha((unsigned char)(*text)[size]))
		size++;
	if (size == digits || size > digits + QUANTITY_UNIT_CHARS_MAX || size >= sizeof part)
		return ERR_INVALID;
	memcpy(part, *text, size);
	*text += size;
	return quantity_parse(part, time_units, sizeof time_units / sizeof *time_units, ret_ms);
}

enum err quantity_duration_ms(const char *text, uint64_t *ret_ms)
{
	uint64_t total = 0, ms = 0;
	do {
		enum err err = quantity_take(&text, &ms);
		if (err != ERR_OK || ms > QUANTITY_DURATION_MS_MAX)
			return ERR_INVALID;
		total += ms;
	} while (*text != '\0' && total <= QUANTITY_DURATION_MS_MAX);
	if (total > QUANTITY_DURATION_MS_MAX)
		return ERR_INVALID;
	*ret_ms = total;
	return ERR_OK;
}
