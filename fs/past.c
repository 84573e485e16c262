/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/past.h"

#include "base/limits.h"

static bool past_is_directory(struct bytes key)
{
	return key.size != 0 && key.data[key.size - 1] == '/';
}

/* FNV-1a over the revision and the key. */
uint64_t past_number(const struct past *past, struct bytes key)
{
	uint64_t number = UINT64_C(0xcbf29ce484222325);
	for (int at = 0; at < 64; at += 8)
		number = (number ^ (((uint64_t)past->revision >> at) & 0xff)) * UINT64_C(0x100000001b3);
	for (size_t at = 0; at < key.size; at++)
		number = (number ^ key.data[at]) * UINT64_C(0x100000001b3);
	return number >> 3 | UINT64_C(1) << 61; /* as a number of history.h */
}

/* ---- objects ---- */

/* The first key of a range, without its value: nothing behind it is looked at. */
static enum err past_first(const struct past *past, struct kv_range range, struct arena *arena,
                           struct kv_record *ret_record)
{
	struct kv_range_request request = {
	    .range = range, .limit = 1, .revision = past->revision, .keys_only = true, .known_count = 1};
	struct kv_response response;
	enum err err = kv_range(past->view, &request, arena, &response);
	if (err == ERR_OK && response.record_count == 0)
		return ERR_NOT_FOUND;
	if (err == ERR_OK)
		*ret_record = response.records[0];
	return err;
}

/* Of a directory with a marker that is the same one today, and has not changed since: what is known of it today. */
static void past_directory_of_today(const struct past *past, struct object *object)
{
	struct kv_directory today;
	bool same = kv_directory(past->view, object->key, &today) == ERR_OK && today.id == object->record.id &&
	            today.changed_revision <= past->revision;
	if (same)
		object->directory = today;
}

static enum err past_read_directory(const struct past *past, struct object *object, struct arena *arena)
{
	struct kv_record first = {0};
	enum err err = past_first(past, kv_prefix(object->key, arena), arena, &first);
	object->is_root = bytes_equal(object->key, past->root_key);
	object->directory = (struct kv_directory){.changed_time_ns = past->time_ns};
	if (err == ERR_NOT_FOUND && object->is_root)
		return ERR_OK;
	if (err != ERR_OK || !bytes_equal(first.key, object->key))
		return err;
	object->record = first;
	object->has_record = object->directory.marker = true;
	object->directory.id = first.id;
	past_directory_of_today(past, object);
	return ERR_OK;
}

enum err past_read(const struct past *past, struct bytes key, struct arena *arena, struct object *ret_object)
{
	struct object object = {.key = key, .is_directory = past_is_directory(key), .has_record = true};
	enum err err;
	if (object.is_directory) {
		object.has_record = false;
		err = past_read_directory(past, &object, arena);
	} else {
		err = kv_get_at(past->view, key, past->revision, arena, &object.record);
	}
	if (err == ERR_OK)
		*ret_object = object;
	return err;
}

enum err past_stat(const struct past *past, const struct object *object, struct stat *ret_stat)
{
	struct attr attr;
	enum err err = object_attr(object, &attr);
	if (err == ERR_OK)
		*ret_stat = attr_stat(&attr, past_number(past, object->key), object->record.value.size);
	return err;
}

/* ---- names ---- */

static struct bytes past_join(struct bytes directory, struct bytes segment, const char *end, struct arena *arena)
{
	size_t size = directory.size + segment.size;
	uint8_t *key = arena_take(arena, size + 1);
	memcpy(key, directory.data, directory.size);
	if (segment.size != 0)
		memcpy(key + directory.size, segment.data, segment.size);
	if (end)
		key[size++] = (uint8_t)*end;
	return bytes_of(key, size);
}

static enum err past_exists(const struct past *past, struct bytes directory, struct arena *arena, bool *ret_exists)
{
	struct kv_record first;
	enum err err = past_first(past, kv_prefix(directory, arena), arena, &first);
	if (err == ERR_OK || err == ERR_NOT_FOUND)
		*ret_exists = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What a name of the kind "by id" is made of. */
static uint64_t past_id(const struct past *past, struct bytes key, const struct kv_record *record)
{
	bool has = bytes_equal(record->key, key);
	return has ? record->id : past_number(past, key);
}

static enum err past_name(const struct past *past, struct past_child *child, const struct kv_record *record,
                          struct arena *arena)
{
	bool shadowed = false;
	enum err err = ERR_OK;
	struct attr attr = {.mode = child->is_directory ? ATTR_MODE_DIRECTORY : ATTR_MODE_FILE};
	if (!child->is_directory)
		err = past_exists(past, past_join(child->key, BYTES_NONE, "/", arena), arena, &shadowed);
	if (err == ERR_OK && !child->is_directory)
		err = attr_of_file(record, &attr);
	enum name_role role = child->is_directory ? NAME_OF_DIRECTORY : shadowed ? NAME_OF_SHADOWED_FILE : NAME_OF_FILE;
	child->name = name_of_segment(child->segment, role, past_id(past, child->key, record));
	child->mode = attr.mode;
	return err;
}

/* A file's successor is its key with a zero; a directory's the first key that does not begin with its own, for '0' comes after '/'. */
enum err past_next(const struct past *past, struct bytes directory, struct bytes segment, bool is_directory,
                   struct arena *arena, struct past_child *ret_child)
{
	struct kv_range range = kv_prefix(directory, arena);
	range.start = past_join(directory, segment, is_directory ? "0" : "", arena);
	struct kv_record record;
	enum err err = past_first(past, range, arena, &record);
	if (err != ERR_OK)
		return err;
	struct bytes rest = bytes_from(record.key, directory.size);
	const uint8_t *slash = memchr(rest.data, '/', rest.size);
	struct past_child child = {.is_directory = slash != NULL, .segment = rest, .key = record.key};
	if (slash) {
		child.segment.size = (size_t)(slash - rest.data);
		child.key.size = directory.size + child.segment.size + 1;
	}
	err = past_name(past, &child, &record, arena);
	if (err == ERR_OK)
		*ret_child = child;
	return err;
}

/* Such names are rare, and searching is their price. */
static enum err past_search(const struct past *past, struct bytes directory, const char *name, struct arena *arena,
                            struct bytes *ret_key)
{
	struct past_child child = {0};
	enum err err;
	while ((err = past_next(past, directory, child.segment, child.is_directory, arena, &child)) == ERR_OK) {
		if (strcmp(child.name.text, name) == 0) {
			*ret_key = child.key;
			return ERR_OK;
		}
	}
	return err;
}

/* A directory has the plain name; a value beside it is shadowed, and has the other. */
static enum err past_find_key(const struct past *past, struct bytes directory, const struct name_meaning *meaning,
                              struct arena *arena, struct bytes *ret_key)
{
	struct bytes below = past_join(directory, meaning->segment, "/", arena);
	bool exists = false;
	enum err err = past_exists(past, below, arena, &exists);
	if (err != ERR_OK || (meaning->kind == NAME_SHADOWED && !exists))
		return err != ERR_OK ? err : ERR_NOT_FOUND;
	bool is_directory = exists && meaning->kind == NAME_ORDINARY;
	*ret_key = is_directory ? below : past_join(directory, meaning->segment, NULL, arena);
	return ERR_OK;
}

enum err past_find(const struct past *past, struct bytes directory, const char *name, struct arena *arena,
                   struct object *ret_object)
{
	struct name_meaning meaning = name_parse(name, arena);
	struct bytes key = BYTES_NONE;
	if (meaning.kind == NAME_TOO_LONG || directory.size + meaning.segment.size + 1 > LIMIT_KEY_BYTES)
		return ERR_TOO_LARGE;
	if (meaning.kind == NAME_INVALID)
		return ERR_NOT_FOUND;
	enum err err = meaning.kind == NAME_BY_ID ? past_search(past, directory, name, arena, &key)
	                                          : past_find_key(past, directory, &meaning, arena, &key);
	return err == ERR_OK ? past_read(past, key, arena, ret_object) : err;
}

/* ---- who may see it ---- */

static bool caller_is_of_group(const struct past_caller *caller, uint32_t gid)
{
	bool is = caller->gid == gid;
	for (size_t at = 0; at < caller->group_count && !is; at++)
		is = caller->groups[at] == gid;
	return is;
}

static bool past_bits_allow(const struct attr *attr, enum past_want want, const struct past_caller *caller)
{
	unsigned shift = caller->uid == attr->uid ? 6 : caller_is_of_group(caller, attr->gid) ? 3 : 0;
	return (attr->mode >> shift & want) != 0;
}

static enum err past_object_permits(const struct past *past, struct bytes key, enum past_want want,
                                    const struct past_caller *caller, struct arena *arena)
{
	struct object then, today = {0};
	struct attr attr_then, attr_today;
	enum err err = past_read(past, key, arena, &then);
	if (err == ERR_OK)
		err = object_attr(&then, &attr_then);
	if (err != ERR_OK)
		return err;
	err = object_read(past->view, key, arena, &today);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	uint64_t id = then.has_record ? then.record.id : 0; /* 0: not known, so it goes by its name */
	bool is_there = err == ERR_OK, is_same = then.is_root || (is_there && (id == 0 || id == object_id(&today)));
	bool allows = past_bits_allow(&attr_then, want, caller) && (is_same || caller->uid == attr_then.uid);
	if (allows && is_there) {
		err = object_attr(&today, &attr_today);
		allows = err == ERR_OK && past_bits_allow(&attr_today, want, caller);
	}
	return allows ? ERR_OK : err != ERR_OK && err != ERR_NOT_FOUND ? err : ERR_PERMISSION;
}

enum err past_permits(const struct past *past, struct bytes key, enum past_want want, const struct past_caller *caller)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	enum err err = ERR_OK;
	if (caller->uid == 0)
		return ERR_OK;
	for (size_t size = past->root_key.size; size < key.size && err == ERR_OK; size++) {
		struct bytes above = bytes_of(key.data, size);
		if (past_is_directory(above))
			err = past_object_permits(past, above, PAST_SEARCH, caller, &arena);
	}
	return err == ERR_OK ? past_object_permits(past, key, want, caller, &arena) : err;
}
