/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/reads.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

void raft_reads_init(struct raft_reads *reads, uint64_t first_wire_id)
{
	*reads = (struct raft_reads){.next_wire_id = first_wire_id};
}

void raft_reads_fini(struct raft_reads *reads)
{
	free(reads->items);
	*reads = (struct raft_reads){0};
}

bool raft_reads_add(struct raft_reads *reads, struct raft_waiting_read read)
{
	if (reads->count == RAFT_READS_MAX)
		return false;
	if (reads->count == reads->capacity) {
		reads->capacity = reads->capacity != 0 ? reads->capacity * 2 : 16;
		reads->items = memory_resize(reads->items, reads->capacity, sizeof *reads->items);
	}
	reads->items[reads->count++] = read;
	return true;
}

struct raft_waiting_read raft_reads_take(struct raft_reads *reads, size_t nth)
{
	check(nth < reads->count);
	struct raft_waiting_read read = reads->items[nth];
	reads->count--;
	memmove(&reads->items[nth], &reads->items[nth + 1], (reads->count - nth) * sizeof *reads->items);
	return read;
}
