/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listing a directory: its keys from `head`, going round each subdirectory with one seek, merged by name with its
 * subdirectories, which stand side by side in `tree`. How many keys there are is known, so that nothing is gone round behind
 * the last one.
 */
#include "store/view.h"

#include "base/check.h"

struct listing {
	struct kv_view *view;
	const struct kv_list_request *request;
	struct arena *arena;
	struct walk keys, directories;
	struct bytes children; /* what the rows of the subdirectories begin with */
	int64_t keys_left;     /* at most so many are still to come */
	enum err err;
};

static struct bytes bytes_join(struct bytes left, struct bytes right, struct arena *arena)
{
	uint8_t *joined = arena_take(arena, left.size + right.size);
	if (left.size != 0)
		memcpy(joined, left.data, left.size);
	if (right.size != 0)
		memcpy(joined + left.size, right.data, right.size);
	return bytes_of(joined, left.size + right.size);
}

/* ---- keys ---- */

/* The name of the key that the walk stands at; it goes on until it stands at a key directly in the directory, or at none. */
static bool listing_key(struct listing *listing, struct bytes *ret_name)
{
	struct bytes prefix = listing->request->prefix;
	while (listing->keys_left > 0 && walk_at_row(&listing->keys)) {
		struct bytes name = bytes_from(walk_key(&listing->keys), prefix.size);
		const uint8_t *slash = memchr(name.data, '/', name.size);
		if (slash == NULL && name.size != 0) {
			*ret_name = name;
			return true;
		}
		if (slash == NULL) {
			walk_next(&listing->keys); /* the marker */
			continue;
		}
		/* Behind all that begins with "name/" comes "name0". */
		struct bytes below = arena_dup(listing->arena, bytes_of(walk_key(&listing->keys).data,
		                                                        prefix.size + (size_t)(slash - name.data) + 1));
		((uint8_t *)below.data)[below.size - 1]++;
		walk_seek(&listing->keys, below);
	}
	if (listing->keys_left > 0)
		listing->err = walk_err(&listing->keys);
	return false;
}

static void listing_record(struct listing *listing, struct bytes key, struct bytes row, struct kv_child *child)
{
	bool tombstone = false;
	listing->err = row_record_decode(row, &child->record, &tombstone);
	child->value_size = child->record.value.size;
	bool value = child->value_size <= listing->request->value_bytes_max;
	child->record.key = arena_dup(listing->arena, key);
	child->record.attr = arena_dup(listing->arena, child->record.attr);
	child->record.value = value ? arena_dup(listing->arena, child->record.value) : BYTES_NONE;
}

static void listing_add_key(struct listing *listing, struct kv_child *child)
{
	struct bytes key = walk_key(&listing->keys);
	*child = (struct kv_child){0};
	listing_record(listing, key, walk_value(&listing->keys), child);
	child->name = bytes_from(child->record.key, listing->request->prefix.size);
	listing->keys_left--;
	walk_next(&listing->keys);
}

/* ---- directories ---- */

static bool listing_directory(struct listing *listing, struct bytes *ret_name)
{
	if (!walk_at_row(&listing->directories)) {
		listing->err = walk_err(&listing->directories);
		return false;
	}
	struct bytes row = walk_key(&listing->directories);
	if (!bytes_have_prefix(row, listing->children))
		return false;
	*ret_name = bytes_from(row, listing->children.size);
	return true;
}

static void listing_add_marker(struct listing *listing, struct kv_child *child)
{
	struct arena *arena = listing->arena;
	struct bytes key =
	    bytes_join(listing->request->prefix, bytes_join(child->name, BYTES_LITERAL("/"), arena), arena);
	struct bytes row;
	listing->err = view_get(listing->view, FAMILY_HEAD, key, arena, &row);
	if (listing->err == ERR_OK)
		listing_record(listing, key, row, child);
}

static void listing_add_directory(struct listing *listing, struct bytes name, struct kv_child *child)
{
	*child = (struct kv_child){.name = arena_dup(listing->arena, name), .is_directory = true};
	listing->err = row_directory_decode(walk_value(&listing->directories), &child->directory);
	if (listing->err == ERR_OK && child->directory.marker)
		listing_add_marker(listing, child);
	walk_next(&listing->directories);
}

/* ---- both ---- */

static void listing_seek(struct listing *listing)
{
	const struct kv_list_request *request = listing->request;
	struct arena *arena = listing->arena;
	struct bytes after = request->after_name;
	walk_seek(&listing->keys, bytes_join(request->prefix, after, arena));
	walk_seek(&listing->directories, bytes_join(listing->children, after, arena));
	struct bytes name;
	/* A name as a key comes before the same name as a directory. */
	if (listing_key(listing, &name) && bytes_equal(name, after))
		walk_next(&listing->keys);
	if (request->after_is_directory && listing_directory(listing, &name) && bytes_equal(name, after))
		walk_next(&listing->directories);
}

static bool listing_next(struct listing *listing, struct kv_child *child)
{
	struct bytes key, directory;
	bool has_key = listing_key(listing, &key), has_directory = listing_directory(listing, &directory);
	if (listing->err != ERR_OK || (!has_key && !has_directory))
		return false;
	if (has_key && (!has_directory || bytes_compare(key, directory) <= 0))
		listing_add_key(listing, child);
	else
		listing_add_directory(listing, directory, child);
	return listing->err == ERR_OK;
}

static enum err listing_run(struct listing *listing, struct kv_child **ret_children, size_t *ret_count)
{
	size_t count = 0;
	struct kv_child *children = NULL;
	listing_seek(listing);
	while (count < listing->request->max) {
		children = arena_more(listing->arena, children, count, sizeof *children);
		if (!listing_next(listing, &children[count]))
			break;
		count++;
	}
	*ret_children = children;
	*ret_count = count;
	return listing->err;
}

enum err kv_list(struct kv_view *view, const struct kv_list_request *request, struct arena *arena,
                 struct kv_child **ret_children, size_t *ret_count)
{
	struct kv_directory directory;
	enum err err = kv_directory(view, request->prefix, &directory);
	if (err != ERR_OK)
		return err;
	struct listing listing = {
	    .view = view, .request = request, .arena = arena, .keys_left = directory.children - directory.directories};
	struct kv_range range = kv_prefix(request->prefix, arena);
	listing.children = layout_tree_children(request->prefix, arena);
	view_walk(view, FAMILY_HEAD, range.end, &listing.keys);
	view_walk(view, FAMILY_TREE, BYTES_NONE, &listing.directories);
	err = listing_run(&listing, ret_children, ret_count);
	walk_close(&listing.keys);
	walk_close(&listing.directories);
	return err;
}
