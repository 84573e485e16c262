/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The note that a transaction of fs/ carries in the change log: what the operation was, as its caller meant it, and whose it was. So other
 * mounts can raise the events of that operation (a rename is not a delete and a put), and the mount that made it knows its own.
 *
 * Paths are keys; that of a directory ends in '/'. The bytes are versioned; what a newer version wrote is refused, and such a change is
 * replayed as its events say.
 */
#pragma once

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/err.h"

enum note_kind {
	NOTE_CREATE = 1, /* a new file, with the content that it has in the change */
	NOTE_WRITE,      /* content replaced */
	NOTE_APPEND,     /* content grown at the end */
	NOTE_TRUNCATE,   /* size set, nothing written */
	NOTE_UNLINK,
	NOTE_MKDIR,
	NOTE_RMDIR,
	NOTE_RENAME,   /* path -> to; what was at `to` is replaced */
	NOTE_EXCHANGE, /* path <-> to */
	NOTE_ATTR,     /* chmod, chown, utimes, xattrs */
	NOTE_SYMLINK,
	NOTE_MKNOD,       /* file without content by mknod(2), FIFO, socket, device */
	NOTE_CREATE_OPEN, /* a new file that must be there before its caller can go on (O_EXCL): empty, and still open */
};

struct note {
	enum note_kind kind;
	uint64_t mount; /* a random number of the mount, made when it started */
	uint64_t op;    /* number of the operation in that mount, from 1 */
	struct bytes path, to;
};

/* Appended; LIMIT_NOTE_BYTES of room suffice for any two keys. ERR_TOO_LARGE. */
enum err note_encode(const struct note *note, struct buffer *buffer) MUST_USE;
/* Borrows from `encoded`. ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err note_decode(struct bytes encoded, struct note *ret_note) MUST_USE;
