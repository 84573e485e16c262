/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes as attr.xattrs keeps them: sized name, sized value, in the order of names. */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

/* ERR_NOT_FOUND, ERR_CORRUPT. */
enum err xattr_find(struct bytes xattrs, struct bytes name, struct bytes *ret_value) MUST_USE;

enum xattr_mode {
	XATTR_SET,
	XATTR_MAKE,
	XATTR_CHANGE,
	XATTR_TAKE
}; /* make: must be new; change, take: must be there */
/* Without the name, or with its new value. ERR_EXISTS, ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_CORRUPT. */
enum err xattr_edit(struct bytes xattrs, struct bytes name, struct bytes value, enum xattr_mode mode,
                    struct arena *arena, struct bytes *ret_xattrs) MUST_USE;
/* As listxattr(2) gives them: each name with its zero. ERR_CORRUPT. */
enum err xattr_names(struct bytes xattrs, struct arena *arena, struct bytes *ret_names) MUST_USE;
