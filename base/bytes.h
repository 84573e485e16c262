/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes: it owns nothing, and lives as long as what it points into. Not a string: no
 * terminating zero, any byte may occur.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *data; /* may be NULL when size is 0 */
	size_t size;
};

#define BYTES_NONE ((struct bytes){NULL, 0})
#define BYTES_LITERAL(literal) ((struct bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})

static inline struct bytes bytes_of(const void *data, size_t size_bytes)
{
	return (struct bytes){data, size_bytes};
}

static inline struct bytes bytes_of_string(const char *string)
{
	return (struct bytes){(const uint8_t *)string, strlen(string)};
}

/* Lexicographic by unsigned byte, a prefix sorts first: the order of keys. */
int bytes_compare(struct bytes left, struct bytes right);
bool bytes_equal(struct bytes left, struct bytes right);
bool bytes_have_prefix(struct bytes whole, struct bytes prefix);
/* `whole` without its first `count` bytes; count <= whole.size. */
struct bytes bytes_from(struct bytes whole, size_t count);
