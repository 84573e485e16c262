/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include "base/check.h"

int bytes_compare(struct bytes left, struct bytes right)
{
	size_t shared = left.size < right.size ? left.size : right.size;
	int order = shared != 0 ? memcmp(left.data, right.data, shared) : 0;
	if (order != 0)
		return order;
	return (left.size > right.size) - (left.size < right.size);
}

bool bytes_equal(struct bytes left, struct bytes right)
{
	return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

bool bytes_have_prefix(struct bytes whole, struct bytes prefix)
{
	return whole.size >= prefix.size && bytes_equal(bytes_of(whole.data, prefix.size), prefix);
}

struct bytes bytes_from(struct bytes whole, size_t count)
{
	check(count <= whole.size);
	return bytes_of(whole.size != 0 ? whole.data + count : NULL, whole.size - count);
}
