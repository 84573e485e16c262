/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/match.h"

enum { APPLY_MODE_ABOVE = S_IFDIR | 0755 };

static enum err apply_in_the_way(struct tree_plan *plan, struct bytes key, const char *what)
{
	return tree_fail(plan, ERR_CONFLICT, "%.*s is a %s in the cluster: remove it, or say --delete", (int)key.size,
	                 (const char *)key.data, what);
}

/* ---- what is wanted ---- */

/* What is there keeps its owner and its extended attributes. A directory without a marker is root's. */
static enum err apply_attr(const struct tree_making *making, const struct tree_want *want, struct attr *ret_attr)
{
	const struct tree_apply *asked = making->argument;
	struct attr attr = {.uid = asked->uid, .gid = asked->gid, .atime_ns = making->plan->now_ns};
	struct kv_directory directory;
	bool bare = !making->now && tree_is_directory(want->key) &&
	            kv_directory(making->plan->view, want->key, &directory) == ERR_OK;
	enum err err = making->now ? tree_attr(making->now, &attr) : ERR_OK;
	if (bare)
		attr.uid = attr.gid = 0;
	attr.mode = want->mode;
	attr.mtime_ns = attr.ctime_ns = making->plan->now_ns;
	*ret_attr = attr;
	return err;
}

/* The directory that is applied to stays as it is, when it is there. */
static bool apply_is_top(const struct tree_making *making, struct bytes key, struct kv_record *ret_wanted)
{
	struct kv_directory directory;
	if (key.size != making->plan->path.size + 1 || !tree_is_directory(key))
		return false;
	*ret_wanted = making->now ? *making->now : (struct kv_record){.key = key};
	return making->now || kv_directory(making->plan->view, key, &directory) == ERR_OK;
}

static enum err apply_make(const struct tree_making *making, struct kv_record *ret_wanted)
{
	const struct tree_apply *asked = making->argument;
	const struct tree_want *want = &asked->wants[making->at];
	struct attr attr;
	if (apply_is_top(making, want->key, ret_wanted))
		return ERR_OK;
	enum err err = apply_attr(making, want, &attr);
	if (err == ERR_OK)
		*ret_wanted = (struct kv_record){
		    .key = want->key, .value = want->value, .attr = attr_encode(&attr, making->arena)};
	return err;
}

/* ---- what is in the way ---- */

/* Of what is not removed: a file and a directory of one name. */
static enum err apply_sibling(struct tree_plan *plan, const struct tree_want *want, struct arena *scratch)
{
	struct kv_directory directory;
	struct kv_record record;
	enum err err;
	if (tree_is_directory(want->key)) {
		struct bytes file = bytes_of(want->key.data, want->key.size - 1);
		err = kv_get(plan->view, file, scratch, &record);
		return err == ERR_OK ? apply_in_the_way(plan, file, "file") : err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	struct bytes below =
	    bytes_of_string(arena_format(scratch, "%.*s/", (int)want->key.size, (const char *)want->key.data));
	err = kv_directory(plan->view, below, &directory);
	return err == ERR_OK ? apply_in_the_way(plan, want->key, "directory") : err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err apply_siblings(struct tree_plan *plan, const struct tree_apply *asked)
{
	AUTO_ARENA struct arena scratch;
	arena_init(&scratch);
	enum err err = ERR_OK;
	for (size_t at = 0; at < asked->count && err == ERR_OK && !asked->remove; at++) {
		arena_reset(&scratch);
		err = apply_sibling(plan, &asked->wants[at], &scratch);
	}
	return err;
}

/* The directories above the path are made where they are missing. */
static enum err apply_above(struct tree_plan *plan, const struct tree_apply *asked)
{
	AUTO_ARENA struct arena scratch;
	arena_init(&scratch);
	struct attr attr = {.mode = APPLY_MODE_ABOVE,
	                    .uid = asked->uid,
	                    .gid = asked->gid,
	                    .atime_ns = plan->now_ns,
	                    .mtime_ns = plan->now_ns,
	                    .ctime_ns = plan->now_ns};
	enum err err = ERR_OK;
	for (size_t size = 2; size < plan->path.size && err == ERR_OK; size++) {
		struct tree_want above = {.key = bytes_of(plan->path.data, size)};
		struct kv_directory directory;
		if (!tree_is_directory(above.key))
			continue;
		err = kv_directory(plan->view, above.key, &directory);
		if (err != ERR_NOT_FOUND)
			continue;
		err = apply_sibling(plan, &above, &scratch);
		struct kv_record made = {.key = above.key, .attr = attr_encode(&attr, &scratch)};
		if (err == ERR_OK)
			err = tree_plan_put(plan, NULL, &made);
	}
	return err;
}

/* ---- has anybody changed it since ---- */

static enum err apply_changed(struct tree_plan *plan, struct bytes key, const char *how)
{
	return tree_fail(plan, ERR_CONFLICT, "somebody else has %s %.*s meanwhile", how, (int)key.size,
	                 (const char *)key.data);
}

static enum err apply_base(struct tree_plan *plan, const struct tree_apply *asked, const struct tree_records *now)
{
	struct tree_range range = {.path = plan->path, .revision = asked->base_revision, .max = TREE_KEYS_MAX + 1};
	struct tree_records then;
	size_t at = 0;
	enum err err = tree_read(plan->view, &range, plan->arena, &then);
	for (size_t i = 0; i < now->count && err == ERR_OK; i++) {
		const struct kv_record *record = &now->records[i];
		if (at < then.count && bytes_compare(then.records[at].key, record->key) < 0)
			return apply_changed(plan, then.records[at].key, "removed");
		if (record->mod_revision > asked->base_revision)
			return apply_changed(plan, record->key, "changed");
		at++;
	}
	return err == ERR_OK && at < then.count ? apply_changed(plan, then.records[at].key, "removed") : err;
}

/* ---- all of it ---- */

/* The root of all is there without a marker, too. */
static bool apply_wants_root(const struct tree_apply *asked, const struct tree_records *now)
{
	bool first = asked->count != 0 && bytes_equal(asked->wants[0].key, BYTES_LITERAL("/"));
	return first && (now->count == 0 || !bytes_equal(now->records[0].key, BYTES_LITERAL("/")));
}

enum err tree_apply(struct tree_plan *plan, const struct tree_apply *whole)
{
	struct tree_apply without_root = *whole, *asked = &without_root;
	struct tree_match match = {
	    .remove = asked->remove, .wanted_count = asked->count, .make = apply_make, .argument = asked};
	struct tree_range range = {
	    .path = plan->path, .revision = kv_view_revision(plan->view), .max = TREE_KEYS_MAX + 1};
	enum err err = tree_read(plan->view, &range, plan->arena, &match.now);
	if (err == ERR_OK && match.now.count > TREE_KEYS_MAX)
		err = tree_fail(plan, ERR_LIMIT, "there are more than %d files in the cluster's directory",
		                TREE_KEYS_MAX);
	if (err == ERR_OK && asked->base_revision != 0)
		err = apply_base(plan, asked, &match.now);
	if (err != ERR_OK)
		return err;
	if (apply_wants_root(asked, &match.now)) {
		asked->wants++;
		match.wanted_count = --asked->count;
	}
	struct bytes *keys = arena_zero(plan->arena, asked->count + 1, sizeof *keys);
	for (size_t at = 0; at < asked->count; at++)
		keys[at] = asked->wants[at].key;
	match.wanted = keys;
	err = apply_siblings(plan, asked);
	if (err == ERR_OK && asked->count != 0)
		err = apply_above(plan, asked);
	if (err == ERR_OK)
		err = tree_match(plan, &match);
	if (err == ERR_OK && asked->count == 0)
		tree_plan_keep_parent(plan);
	return err;
}
