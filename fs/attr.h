/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fs/ keeps of a file beside its value: the bytes of kv_record.attr, and what they mean.
 *
 * A file that an etcd client made has none: it is 0644, a directory 0755, root's, and its times are those of its commits. Times in attr
 * describe the value that they were given with: when a client put another value later (attr_is_older), the commit's time counts. A
 * directory's attr lies at its marker key, and its times count until the membership changes (tree_revision).
 *
 * Format: version 1, then varints mode, uid, gid, rdev; three times of 8 bytes; varint tree_revision; xattrs, sized, each a sized name and a
 * sized value in the order of names. A newer version is refused.
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "store/kv.h"

enum {
	ATTR_MODE_FILE = S_IFREG | 0644,
	ATTR_MODE_DIRECTORY = S_IFDIR | 0755,
	ATTR_BLOCK_BYTES = 4096, /* st_blksize, and the size that a directory shows */
};

struct attr {
	uint32_t mode; /* type and permissions */
	uint32_t uid, gid;
	uint64_t rdev;
	int64_t atime_ns, mtime_ns, ctime_ns;
	int64_t tree_revision; /* of a directory: its changed_revision when the times were set; 0: as it was made */
	struct bytes xattrs;   /* see xattr.h */
};

struct bytes attr_encode(const struct attr *attr, struct arena *arena);
/* Borrows. ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err attr_decode(struct bytes encoded, struct attr *ret_attr) MUST_USE;

/* Effective ones, borrowing from the record. ERR_CORRUPT, ERR_FORMAT_NEWER. */
enum err attr_of_file(const struct kv_record *record, struct attr *ret_attr) MUST_USE;
/* marker: NULL when the directory has none. */
enum err attr_of_directory(const struct kv_directory *directory, const struct kv_record *marker,
                           struct attr *ret_attr) MUST_USE;

struct stat attr_stat(const struct attr *attr, uint64_t id, uint64_t size_bytes);
