/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the clients, and what they must do to the keys, as a model of a few lines: of each key its history by index. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/kv.h"

enum { MODEL_KEYS = 5, MODEL_OPS_MAX = 2, MODEL_TEXT_BYTES = 32 };

enum model_kind { MODEL_PUT, MODEL_COMPARE, MODEL_DELETE, MODEL_KINDS };

struct model_command {
	uint64_t number; /* unique: what it puts */
	enum model_kind kind;
	unsigned key, client;
	uint64_t expected; /* COMPARE: the number that the key must hold */
	bool succeeded;    /* once it took effect */
};

/* A transaction with all that it borrows. */
struct model_txn {
	struct kv_txn txn;
	struct kv_compare compare;
	struct kv_op success[MODEL_OPS_MAX], failure[MODEL_OPS_MAX];
	char key[MODEL_TEXT_BYTES], mark[MODEL_TEXT_BYTES], failed[MODEL_TEXT_BYTES];
	char value[MODEL_TEXT_BYTES], expected[MODEL_TEXT_BYTES];
};

void model_begin(void);
void model_end(void);
/* Some command; a compare mostly expects what the key holds at the moment. */
void model_command_new(struct model_command *command, uint64_t number, unsigned client);
void model_txn_fill(struct model_txn *txn, const struct model_command *command);
uint64_t model_number(const struct kv_txn *txn); /* of the command that it is; 0: none */
/* It takes effect now. False: that is not what it does. */
bool model_apply(struct model_command *command, const struct kv_change *change);

enum err model_read(struct kv_view *view, unsigned key, struct arena *arena, struct kv_record *ret_record) MUST_USE;
/* Of the command that put what it shows; record NULL: 0. */
uint64_t model_number_of(const struct kv_record *record);
/* Is that what the key held at that index? record NULL: nothing. */
bool model_shows(unsigned key, uint64_t index, const struct kv_record *record);
