/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One revision in the making: the keys that a command changes, what they were, and what becomes of them when it succeeds
 * (edit_settle) or is refused (edit_undo). Until then nothing but the slots knows of it.
 */
#pragma once

#include "store/batch.h"
#include "store/scan.h"

enum {
	/* Of keys, values and attrs, old and new: what one revision may hold in memory. */
	EDIT_BYTES_MAX = 256 << 20,
};

/* A directory that gets another name. */
struct carried {
	struct carried *next;
	struct bytes to;
	struct kv_directory was;
};

struct edit {
	struct batch *batch;
	int64_t revision, time_ns; /* of its changes */
	struct slot **touched;     /* in the order of their first change */
	size_t count, capacity;
	size_t size_bytes;
	struct carried *carried;
	uint64_t first_id; /* to go back to */
	/* What has to be done whole, whatever it costs: the keys of a lease, which nobody else would ever delete. */
	bool unbounded;
};

void edit_begin(struct edit *edit, struct batch *batch);
/* The slot gets the record (bytes in the batch's arena), or loses it. ERR_LIMIT, ERR_TOO_LARGE: to be undone. */
enum err edit_put(struct edit *edit, struct slot *slot, const struct kv_record *record) MUST_USE;
enum err edit_delete(struct edit *edit, struct slot *slot) MUST_USE;
bool edit_wrote(const struct edit *edit, const struct slot *slot);

/* All live keys of a range as they are now, in order. Slots live as long as the batch's. ERR_LIMIT over LIMIT_TXN_KEYS,
 * ERR_TOO_LARGE over EDIT_BYTES_MAX. */
enum err edit_gather(struct edit *edit, const struct kv_range *range, struct slot ***ret_slots,
                     size_t *ret_count) MUST_USE;
/* What a scan of the range must be patched with. In the batch's arena. */
void edit_patches(struct edit *edit, const struct kv_range *range, const struct scan_patch **ret_patches,
                  size_t *ret_count);

/* By how much the state's value_bytes grows; may be negative. */
int64_t edit_growth(const struct edit *edit);
/* Deletes something, and puts nothing but markers of directories: so that what is removed leaves its directory behind. */
bool edit_is_removal(const struct edit *edit);

void edit_undo(struct edit *edit);
/* The rows go to the batch, the state to its next revision. *change comes with its origin and note, and gets its revision,
 * time and events (in the batch's arena). False: nothing was changed, and there is no new revision. */
bool edit_settle(struct edit *edit, struct kv_change *change);

/* The rolling checksum goes on with this. */
void state_mix(struct state *state, uint32_t crc);
