/* SPDX-License-Identifier: Apache-2.0 */
/* What a view shows: an object at a key, and a spot, which is a name in a directory with what is there. Plain data, read once, from which
 * the plans are made. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "fs/attr.h"
#include "fs/names.h"
#include "fs/verdict.h"
#include "store/kv.h"

struct object {
	struct bytes key; /* a directory's ends in '/' */
	bool is_directory;
	bool is_root;            /* of the mount: there even when nothing is stored */
	bool has_record;         /* of a directory: it has a marker */
	struct kv_record record; /* the file, or the directory's marker */
	struct kv_directory directory;
};

/* Memory: the arena. ERR_NOT_FOUND, ERR_IO. */
enum err object_read(struct kv_view *view, struct bytes key, struct arena *arena, struct object *ret_object) MUST_USE;
uint64_t object_id(const struct object *object);
enum err object_attr(const struct object *object, struct attr *ret_attr) MUST_USE;
/* ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err object_stat(const struct object *object, struct stat *ret_stat) MUST_USE;

enum spot_kind { SPOT_EMPTY, SPOT_FILE, SPOT_DIRECTORY };

struct spot {
	struct bytes parent_key;
	uint64_t parent_id; /* 0: the root, which is always there */
	bool parent_has_marker;
	struct bytes segment;
	struct bytes file_key, directory_key; /* of the segment */
	bool can_make;                        /* the name is one that a new object can have */
	enum spot_kind kind;
	struct object object; /* unless EMPTY */
};

/* What is called `name` in the directory. VERDICT_GO, or why there can be no such name. */
enum verdict spot_read(struct kv_view *view, const struct object *parent, const char *name, struct arena *arena,
                       struct spot *ret_spot) MUST_USE;
