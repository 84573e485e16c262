/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the kernel and segments of keys (what stands between two '/' of a key), and the map between them. Total and injective: each child
 * of a directory has exactly one name, and ordinary names are themselves. What cannot be a name, or is reserved, gets one that begins with
 * ".etcfs:" and a letter:
 *
 *   x<escaped>   a segment that is empty, ".", "..", ".etcfs", has a NUL, or begins with ".etcfs:"
 *   v<escaped>   the value at key "k" where keys below "k/" live too; the directory has the plain name
 *   f<id>, d<id> a segment whose name would be longer than 255 bytes: the file's or directory's id, 16 hex digits
 *
 * <escaped>: NUL is "%00", '%' is "%25", all else itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

enum { NAME_BYTES_MAX = 255 };

/* What stands beside the segment in its directory. */
enum name_role {
	NAME_OF_DIRECTORY,
	NAME_OF_FILE,          /* no directory has this segment */
	NAME_OF_SHADOWED_FILE, /* a directory has it too */
};

struct name {
	char text[NAME_BYTES_MAX + 1];
};

struct name name_of_segment(struct bytes segment, enum name_role role, uint64_t id);

enum name_kind {
	NAME_ORDINARY, /* a directory, or a file that no directory shadows, with this segment */
	NAME_SHADOWED, /* a file with this segment beside a directory */
	NAME_BY_ID,    /* to be found among the children by its id */
	NAME_TOO_LONG,
	NAME_INVALID, /* reserved, and no child can have it */
};

struct name_meaning {
	enum name_kind kind;
	struct bytes segment; /* ORDINARY, SHADOWED; in the arena, or borrowed from the name */
	uint64_t id;          /* BY_ID */
	bool is_directory;    /* BY_ID */
};

struct name_meaning name_parse(const char *name, struct arena *arena);
/* The segment of a new object: only what names itself can be made through the mount. */
bool name_is_plain(const struct name_meaning *meaning, const char *name);
