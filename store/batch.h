/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the apply role has changed and not yet written: the newest records and directories as the entries so far left them, laid
 * over the last published view, and the rows that will go down in one write.
 *
 * Rows of `past`, `changes` and meta are gathered at once (of a lease, what stands in its row is kept beside it); those of `head` and `tree` when the batch is written, once each,
 * however often they changed.
 */
#pragma once

#include "base/buffer.h"
#include "store/recall.h"
#include "store/table.h"
#include "store/view.h"

/* A key. Those of the transaction under way also have what they were before it. */
struct slot {
	struct table_node node;
	bool live;
	struct kv_record record; /* when live */
	bool dirty;              /* differs from the database */
	bool touched, was_live;
	struct kv_record was;
};

struct branch {
	struct table_node node; /* its key is the prefix */
	bool exists;
	struct kv_directory directory;
	bool dirty;
};

struct batch {
	struct kv_view *base; /* a reference */
	struct arena arena;   /* all that the slots and branches hold; lives until the batch is emptied */
	struct recall recall; /* of the database that the base is of */
	struct table slots, branches, leases;
	struct slot **dirty_slots;
	size_t dirty_slot_count, dirty_slot_capacity;
	struct branch **dirty_branches;
	size_t dirty_branch_count, dirty_branch_capacity;
	rocksdb_writebatch_t *writes;
	struct buffer scratch; /* for one row */
	struct state state;    /* after the entries so far */
};

void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);
/* Forgets all, and stands on the view, whose reference is taken. */
void batch_reset(struct batch *batch, struct kv_view *base);

/* The key as it is now; from the database when it is not here yet. Lives until the batch is reset; `key` need not. */
struct slot *batch_slot(struct batch *batch, struct bytes key);
/* As batch_slot(), of a record that was just read: spares the read. */
struct slot *batch_adopt(struct batch *batch, const struct kv_record *record);
void batch_slot_changed(struct batch *batch, struct slot *slot);
struct branch *batch_branch(struct batch *batch, struct bytes prefix);
void batch_branch_changed(struct batch *batch, struct branch *branch);

/* A row with what stands in `scratch`, which is emptied. */
void batch_put_row(struct batch *batch, enum family family, struct bytes row);
void batch_delete_row(struct batch *batch, enum family family, struct bytes row);

/* Is there a record that the database does not have? Then a scan of the database would miss it. */
bool batch_is_dirty(const struct batch *batch);
/* Adds the rows of head, of the tree and of the state, and writes. The batch is then only good for batch_reset(). */
void batch_write(struct batch *batch);

/* A failed read while applying: this node cannot go on. */
_Noreturn void batch_fail(const struct batch *batch, enum err err);
