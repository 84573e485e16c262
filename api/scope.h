/* SPDX-License-Identifier: Apache-2.0 */
/* A key and all that lies below it, as paths do: "/a" holds "/a", "/a/" and "/a/b", not "/ab". "" and "/" hold everything. */
#pragma once

#include "base/bytes.h"

static inline struct bytes scope_trim(struct bytes path)
{
	if (path.size > 0 && path.data[path.size - 1] == '/')
		path.size--;
	return path;
}

static inline bool scope_holds(struct bytes path, struct bytes key)
{
	path = scope_trim(path);
	if (!bytes_have_prefix(key, path))
		return false;
	return path.size == 0 || key.size == path.size || key.data[path.size] == '/';
}
