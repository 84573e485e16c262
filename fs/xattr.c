/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/xattr.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/limits.h"

enum {
	XATTR_BYTES_MAX = LIMIT_ATTR_BYTES - 1024, /* the rest of an attr has its room */
	XATTR_HEAD_BYTES_MAX = 20,                 /* two sizes */
};

enum err xattr_find(struct bytes xattrs, struct bytes name, struct bytes *ret_value)
{
	struct cursor cursor = cursor_over(xattrs);
	while (!cursor.bad && cursor.rest.size != 0) {
		struct bytes found = cursor_sized(&cursor), value = cursor_sized(&cursor);
		if (!cursor.bad && bytes_equal(found, name)) {
			*ret_value = value;
			return ERR_OK;
		}
	}
	return cursor.bad ? ERR_CORRUPT : ERR_NOT_FOUND;
}

enum err xattr_edit(struct bytes xattrs, struct bytes name, struct bytes value, enum xattr_mode mode,
                    struct arena *arena, struct bytes *ret_xattrs)
{
	struct bytes old;
	enum err err = xattr_find(xattrs, name, &old);
	if (err == ERR_CORRUPT)
		return err;
	if (err == ERR_OK && mode == XATTR_MAKE)
		return ERR_EXISTS;
	if (err == ERR_NOT_FOUND && (mode == XATTR_CHANGE || mode == XATTR_TAKE))
		return err;
	if (xattrs.size + name.size + value.size + XATTR_HEAD_BYTES_MAX > XATTR_BYTES_MAX)
		return ERR_TOO_LARGE;
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, XATTR_BYTES_MAX);
	struct cursor cursor = cursor_over(xattrs);
	bool placed = mode == XATTR_TAKE;
	while (cursor.rest.size != 0) {
		struct bytes at = cursor_sized(&cursor), its = cursor_sized(&cursor);
		int order = bytes_compare(at, name);
		if (order >= 0 && !placed) {
			buffer_put_sized(&buffer, name);
			buffer_put_sized(&buffer, value);
			placed = true;
		}
		if (order == 0)
			continue;
		buffer_put_sized(&buffer, at);
		buffer_put_sized(&buffer, its);
	}
	if (!placed) {
		buffer_put_sized(&buffer, name);
		buffer_put_sized(&buffer, value);
	}
	*ret_xattrs = arena_dup(arena, buffer_bytes(&buffer));
	return ERR_OK;
}

enum err xattr_names(struct bytes xattrs, struct arena *arena, struct bytes *ret_names)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, XATTR_BYTES_MAX);
	struct cursor cursor = cursor_over(xattrs);
	while (!cursor.bad && cursor.rest.size != 0) {
		struct bytes name = cursor_sized(&cursor);
		cursor_sized(&cursor);
		buffer_put(&buffer, name);
		buffer_put_u8(&buffer, 0);
	}
	if (cursor.bad)
		return ERR_CORRUPT;
	*ret_names = arena_dup(arena, buffer_bytes(&buffer));
	return ERR_OK;
}
