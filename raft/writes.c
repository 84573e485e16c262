/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/writes.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static struct raft_write *raft_writes_get(const struct raft_writes *writes, uint64_t id)
{
	check(id > writes->done && id <= writes->newest);
	return &writes->ring[id % RAFT_WRITES_CAPACITY];
}

void raft_writes_init(struct raft_writes *writes, uint64_t durable)
{
	*writes = (struct raft_writes){.durable = durable};
	writes->ring = memory_new_array(RAFT_WRITES_CAPACITY, sizeof *writes->ring);
}

void raft_writes_fini(struct raft_writes *writes)
{
	free(writes->ring);
	*writes = (struct raft_writes){0};
}

bool raft_writes_are_full(const struct raft_writes *writes)
{
	return writes->newest - writes->done >= RAFT_WRITES_PENDING_MAX;
}

uint64_t raft_writes_begin(struct raft_writes *writes, uint64_t last_index)
{
	check(writes->newest - writes->done < RAFT_WRITES_CAPACITY);
	check(last_index >= writes->durable);
	writes->newest++;
	raft_writes_get(writes, writes->newest)->end = last_index;
	return writes->newest;
}

void raft_writes_truncate(struct raft_writes *writes, uint64_t from)
{
	check(from > 0);
	for (uint64_t id = writes->newest; id > writes->done; id--) {
		struct raft_write *write = raft_writes_get(writes, id);
		if (write->end < from)
			break;
		write->end = from - 1;
	}
	if (writes->durable >= from)
		writes->durable = from - 1;
}

void raft_writes_reset(struct raft_writes *writes, uint64_t index)
{
	for (uint64_t id = writes->newest; id > writes->done; id--)
		raft_writes_get(writes, id)->end = index;
	writes->durable = index;
}

void raft_writes_complete(struct raft_writes *writes, uint64_t id)
{
	if (id <= writes->done || id > writes->newest)
		return;
	uint64_t end = raft_writes_get(writes, id)->end;
	check(end >= writes->durable);
	writes->durable = end;
	writes->done = id;
}

bool raft_writes_term_is_durable(const struct raft_writes *writes)
{
	return writes->term_write <= writes->done;
}

uint64_t raft_writes_covering(const struct raft_writes *writes, uint64_t index)
{
	uint64_t covering = 0;
	if (index <= writes->durable)
		return 0;
	for (uint64_t id = writes->newest; id > writes->done && raft_writes_get(writes, id)->end >= index; id--)
		covering = id;
	check(covering != 0);
	return covering;
}
