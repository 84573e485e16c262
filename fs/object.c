/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/object.h"

#include "base/limits.h"
#include "base/log.h"

enum { SPOT_SCAN_PAGE = 256 }; /* children per look, where a name has to be searched by its id */

static bool key_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

enum err object_read(struct kv_view *view, struct bytes key, struct arena *arena, struct object *ret_object)
{
	struct object object = {.key = key, .is_directory = key_is_directory(key)};
	enum err err = ERR_OK;
	if (object.is_directory)
		err = kv_directory(view, key, &object.directory);
	if (err == ERR_OK && (!object.is_directory || object.directory.marker)) {
		err = kv_get(view, key, arena, &object.record);
		object.has_record = true;
	}
	if (err == ERR_OK)
		*ret_object = object;
	return err;
}

uint64_t object_id(const struct object *object)
{
	return object->is_directory ? object->directory.id : object->record.id;
}

enum err object_attr(const struct object *object, struct attr *ret_attr)
{
	enum err err;
	if (object->is_directory)
		err = attr_of_directory(&object->directory, object->has_record ? &object->record : NULL, ret_attr);
	else
		err = attr_of_file(&object->record, ret_attr);
	if (err != ERR_OK)
		log_error("attr_unreadable", "key=%.*s error=%s", (int)object->key.size, (const char *)object->key.data,
		          err_name(err));
	return err;
}

enum err object_stat(const struct object *object, struct stat *ret_stat)
{
	struct attr attr;
	enum err err = object_attr(object, &attr);
	if (err != ERR_OK)
		return err;
	*ret_stat = attr_stat(&attr, object_id(object), object->record.value.size);
	/* Its name, its ".", and the ".." of each directory in it. */
	if (object->is_directory)
		ret_stat->st_nlink = 2 + (nlink_t)object->directory.directories;
	return err;
}

static struct bytes key_join(struct bytes parent, struct bytes segment, bool is_directory, struct arena *arena)
{
	size_t size = parent.size + segment.size + (is_directory ? 1 : 0);
	uint8_t *key = arena_take(arena, size);
	memcpy(key, parent.data, parent.size);
	if (segment.size != 0)
		memcpy(key + parent.size, segment.data, segment.size);
	if (is_directory)
		key[size - 1] = '/';
	return bytes_of(key, size);
}

static bool child_is(const struct kv_child *child, const struct name_meaning *meaning)
{
	uint64_t id = child->is_directory ? child->directory.id : child->record.id;
	return child->is_directory == meaning->is_directory && id == meaning->id;
}

/* The segment whose name is made of the object's id: such names are rare, and searching is their price. */
static bool spot_search(struct kv_view *view, struct bytes parent_key, struct name_meaning *meaning,
                        struct arena *arena)
{
	struct kv_list_request request = {.prefix = parent_key, .max = SPOT_SCAN_PAGE};
	for (;;) {
		struct kv_child *children;
		size_t count;
		if (kv_list(view, &request, arena, &children, &count) != ERR_OK)
			return false;
		for (size_t i = 0; i < count; i++) {
			enum name_role role = children[i].is_directory ? NAME_OF_DIRECTORY : NAME_OF_SHADOWED_FILE;
			if (!child_is(&children[i], meaning))
				continue;
			struct name name = name_of_segment(children[i].name, role, meaning->id);
			meaning->segment = children[i].name;
			return name_parse(name.text, arena).kind == NAME_BY_ID;
		}
		if (count < SPOT_SCAN_PAGE)
			return false;
		request.after_name = children[count - 1].name;
		request.after_is_directory = children[count - 1].is_directory;
	}
}

/* A directory has the plain name; a value beside it is shadowed, and has the other. */
static enum err spot_find(struct kv_view *view, const struct name_meaning *meaning, struct arena *arena,
                          struct spot *spot)
{
	bool by_id = meaning->kind == NAME_BY_ID;
	struct kv_directory beside;
	enum err err = ERR_NOT_FOUND;
	if (meaning->kind == NAME_ORDINARY || (by_id && meaning->is_directory))
		err = object_read(view, spot->directory_key, arena, &spot->object);
	else if (meaning->kind == NAME_SHADOWED)
		err = kv_directory(view, spot->directory_key, &beside);
	if (err == ERR_OK && meaning->kind != NAME_SHADOWED) {
		spot->kind = SPOT_DIRECTORY;
		return ERR_OK;
	}
	bool look_for_file = meaning->kind == NAME_SHADOWED ? err == ERR_OK : err == ERR_NOT_FOUND;
	if (look_for_file && !(by_id && meaning->is_directory)) {
		err = object_read(view, spot->file_key, arena, &spot->object);
		if (err == ERR_OK)
			spot->kind = SPOT_FILE;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum verdict spot_read(struct kv_view *view, const struct object *parent, const char *name, struct arena *arena,
                       struct spot *ret_spot)
{
	struct name_meaning meaning = name_parse(name, arena);
	struct spot spot = {.parent_key = parent->key, .parent_has_marker = parent->has_record};
	spot.parent_id = parent->is_root ? 0 : object_id(parent);
	if (meaning.kind == NAME_TOO_LONG || parent->key.size + meaning.segment.size + 1 > LIMIT_KEY_BYTES)
		return VERDICT_NAME_TOO_LONG;
	bool found = meaning.kind != NAME_INVALID;
	if (meaning.kind == NAME_BY_ID)
		found = spot_search(view, parent->key, &meaning, arena);
	spot.can_make = name_is_plain(&meaning, name);
	spot.segment = meaning.segment;
	spot.file_key = key_join(parent->key, meaning.segment, false, arena);
	spot.directory_key = key_join(parent->key, meaning.segment, true, arena);
	if (found && spot_find(view, &meaning, arena, &spot) != ERR_OK)
		return VERDICT_UNREADABLE;
	*ret_spot = spot;
	return VERDICT_GO;
}
