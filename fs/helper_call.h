/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon and its helper say to each other: one call is one message of a SOCK_SEQPACKET socket, and has one answer. Both ends are
 * the same program, so the format has no version.
 *
 * A directory is named by its node id, which the helper makes a file handle of (no path, so no race with a rename); by its path below the
 * mount only when the kernel said that it no longer finds the handle.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/err.h"

enum helper_kind {
	HELPER_READY = 1,      /* from the helper, as an answer to nothing: it holds the mount */
	HELPER_CREATE,         /* open(O_CREAT | O_EXCL), close */
	HELPER_CREATE_WRITTEN, /* the same with a change of content between them */
	HELPER_MAKE,           /* mknod, mkdir or symlink, by the type */
	HELPER_CONTENT,        /* open for writing, change, close */
	HELPER_TRUNCATE,       /* truncate(2) by path */
	HELPER_ATTR,
	HELPER_REMOVE, /* unlink or rmdir, by the type */
	HELPER_RENAME,
	HELPER_EXCHANGE,
	/* Without an event: have the kernel ask again for a name that it cached, or for the attributes of an object. */
	HELPER_LOOK,
	HELPER_STAT, /* of `at.directory`, which may be of any type; no name */
};

enum {
	HELPER_NAME_BYTES = 255,  /* NAME_MAX */
	HELPER_PATH_BYTES = 4095, /* PATH_MAX without its zero: what one system call takes */
	/* Numbers, and twice a path and a name with their zeros and lengths. */
	HELPER_CALL_BYTES = 64 + 2 * (HELPER_NAME_BYTES + HELPER_PATH_BYTES + 8),
};

struct helper_place {
	uint64_t directory; /* node id */
	const char *path;   /* "": by node id */
	const char *name;
};

struct helper_call {
	uint32_t number; /* repeated in the answer */
	enum helper_kind kind;
	mode_t type; /* S_IFMT bits of the object; MAKE, REMOVE, RENAME */
	struct helper_place at, to;
};

struct helper_answer {
	uint32_t number;
	int error; /* an errno, or 0 */
};

/* ERR_TOO_LARGE: a path or name over its maximum. */
enum err helper_call_encode(const struct helper_call *call, struct buffer *buffer) MUST_USE;
/* The strings are borrowed from `encoded`. ERR_CORRUPT. */
enum err helper_call_decode(struct bytes encoded, struct helper_call *ret_call) MUST_USE;
