/* SPDX-License-Identifier: Apache-2.0 */
#include "store/kv.h"

#include "base/arena.h"

/* The end of a prefix: its last byte that can be raised is raised, and what follows it is cut (etcd clientv3
 * GetPrefixRangeEnd). Nothing can be raised: everything from the prefix on. */
struct kv_range kv_prefix(struct bytes prefix, struct arena *arena)
{
	size_t size = prefix.size;
	while (size > 0 && prefix.data[size - 1] == 0xff)
		size--;
	if (size == 0)
		return (struct kv_range){.start = prefix.size > 0 ? prefix : bytes_of("", 1), .end = bytes_of("", 1)};
	uint8_t *end = arena_take(arena, size);
	memcpy(end, prefix.data, size);
	end[size - 1]++;
	return (struct kv_range){.start = prefix, .end = bytes_of(end, size)};
}
