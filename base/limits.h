/* SPDX-License-Identifier: Apache-2.0 */
/* The maxima that more than one folder must agree on; a maximum of one owner stands beside its owner. */
#pragma once

enum {
	/* A key is at most a path of the kernel's length (PATH_MAX) in its longest escaped form. */
	LIMIT_KEY_BYTES = 8192,
	/* `--max-file-size` default and ceiling: a value is one entry of the log and one message between nodes. */
	LIMIT_VALUE_BYTES_DEFAULT = 1 << 20,
	LIMIT_VALUE_BYTES = 64 << 20,
	/* mode, times, links and xattrs of one file; xattr values end at 64 KiB in the kernel (XATTR_SIZE_MAX). */
	LIMIT_ATTR_BYTES = 256 << 10,
	/* An entry of the log: one value at its ceiling, with key, attr and note. */
	LIMIT_ENTRY_BYTES = LIMIT_VALUE_BYTES + (1 << 20),
	/* What fs notes of an operation: its kind and two paths. */
	LIMIT_NOTE_BYTES = 2 * LIMIT_KEY_BYTES + 256,
	/* Keys that one transaction may move or delete by range (a rename of a directory). */
	LIMIT_TXN_KEYS = 100000,
	/* Members of a cluster, voters and learners. */
	LIMIT_MEMBERS = 256,
	/* A member's name, and its addresses of one kind together. */
	LIMIT_MEMBER_STRING_BYTES = 4096,
};
