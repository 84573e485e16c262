/* SPDX-License-Identifier: Apache-2.0 */
/* The store as plain arrays: what it should do, said as simply as can be. Every past state is kept. */
#pragma once

#include "store/kv.h"

enum {
	MODEL_KEYS_MAX = 256,
	MODEL_DIRECTORIES_MAX = 128,
	MODEL_REVISIONS_MAX = 2048,
	MODEL_NAME_MAX = 48,
};

struct model_key {
	char name[MODEL_NAME_MAX];
	char value[MODEL_NAME_MAX];
	int64_t create, mod, version;
	uint64_t id; /* 0: new, the store's answer is taken */
};

struct model_directory {
	char prefix[MODEL_NAME_MAX];
	uint64_t id; /* 0: new */
	int64_t create, changed;
	uint64_t members; /* a sum over the names, kinds and ids in it */
	size_t children, directories;
	bool marker, carried;
};

struct model_state {
	struct model_key keys[MODEL_KEYS_MAX]; /* ascending */
	size_t count;
};

struct model {
	struct model_state *states; /* by revision */
	int64_t revision;
	struct model_directory directories[MODEL_DIRECTORIES_MAX];
	size_t directory_count;
	/* Names that directories get in the transaction under way. */
	struct model_directory carried[MODEL_DIRECTORIES_MAX];
	size_t carried_count;
};

struct model *model_new(void);
void model_free(struct model *model);
struct model_state *model_now(struct model *model);
struct model_key *model_find(struct model_state *state, const char *name);
struct model_directory *model_directory(struct model *model, const char *prefix);

/* Applies the operations to a copy of the state; ERR_NOT_FOUND when one is refused: then nothing was changed. */
enum err model_apply(struct model *model, const struct kv_op *ops, size_t count);
/* After the ids of new keys and directories were taken from the store: what directories there are, and what changed. */
void model_settle(struct model *model);
