/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/match.h"

struct restore {
	int64_t revision;
	struct tree_records then;
};

/* Times of content are those of then; what was changed is changed now. A key without an attr was an API client's, and is again. */
static enum err restore_attr(struct tree_plan *plan, struct kv_record *record, struct arena *arena)
{
	struct attr attr;
	if (record->attr.size == 0)
		return ERR_OK;
	enum err err = tree_attr(record, &attr);
	if (err != ERR_OK)
		return err;
	attr.ctime_ns = plan->now_ns;
	record->attr = attr_encode(&attr, arena);
	record->attr_is_older = false;
	return ERR_OK;
}

static enum err restore_record(const struct tree_making *making, struct bytes key, int64_t revision,
                               struct kv_record *ret_record)
{
	struct kv_record record;
	enum err err = kv_get_at(making->plan->view, key, revision, making->arena, &record);
	if (err == ERR_OK)
		err = restore_attr(making->plan, &record, making->arena);
	if (err == ERR_OK)
		*ret_record = record;
	return err;
}

static enum err restore_make(const struct tree_making *making, struct kv_record *ret_wanted)
{
	const struct restore *restore = making->argument;
	return restore_record(making, restore->then.records[making->at].key, restore->revision, ret_wanted);
}

/* A directory above the path that is missing comes back with the mode that it had. */
static enum err restore_above(struct tree_plan *plan, struct bytes above, int64_t revision)
{
	struct kv_directory directory;
	struct kv_record record;
	enum err err = kv_directory(plan->view, above, &directory);
	if (err != ERR_NOT_FOUND)
		return err;
	AUTO_ARENA struct arena scratch;
	arena_init(&scratch);
	struct bytes file = bytes_of(above.data, above.size - 1);
	err = kv_get(plan->view, file, &scratch, &record);
	if (err == ERR_OK)
		return tree_fail(plan, ERR_CONFLICT, "%.*s is a file today: move it out of the way", (int)file.size,
		                 (const char *)file.data);
	if (err == ERR_NOT_FOUND)
		err = restore_record(&(struct tree_making){.plan = plan, .arena = &scratch}, above, revision, &record);
	if (err == ERR_OK)
		return tree_plan_put(plan, NULL, &record);
	return err == ERR_NOT_FOUND ? ERR_OK : err; /* it had no marker, and was what a directory is without one */
}

static enum err restore_all_above(struct tree_plan *plan, int64_t revision)
{
	enum err err = ERR_OK;
	for (size_t size = 2; size < plan->path.size && err == ERR_OK; size++) {
		struct bytes above = bytes_of(plan->path.data, size);
		if (tree_is_directory(above))
			err = restore_above(plan, above, revision);
	}
	return err;
}

/* What hung on a lease was a promise, which nobody keeps for it any more. */
static void restore_drop_leased(struct tree_records *records)
{
	size_t kept = 0;
	for (size_t at = 0; at < records->count; at++)
		if (records->records[at].lease == 0)
			records->records[kept++] = records->records[at];
	records->count = kept;
}

static enum err restore_read(struct tree_plan *plan, int64_t revision, struct tree_records *ret_records)
{
	struct tree_range range = {.path = plan->path, .revision = revision, .max = TREE_KEYS_MAX + 1};
	enum err err = tree_read(plan->view, &range, plan->arena, ret_records);
	if (err == ERR_OK && ret_records->count > TREE_KEYS_MAX)
		err = tree_fail(plan, ERR_LIMIT, "there are more than %d files below it: take a smaller directory",
		                TREE_KEYS_MAX);
	return err;
}

enum err tree_restore(struct tree_plan *plan, int64_t revision)
{
	struct restore restore = {.revision = revision};
	struct tree_match match = {.remove = true, .make = restore_make, .argument = &restore};
	enum err err = restore_read(plan, revision, &restore.then);
	if (err == ERR_OK)
		err = restore_read(plan, kv_view_revision(plan->view), &match.now);
	if (err != ERR_OK)
		return err;
	if (restore.then.count == 0 && match.now.count == 0)
		return tree_fail(plan, ERR_NOT_FOUND, "there was no %.*s at revision %lld, and there is none now",
		                 (int)plan->path.size, (const char *)plan->path.data, (long long)revision);
	restore_drop_leased(&restore.then);
	struct bytes *keys = arena_zero(plan->arena, restore.then.count + 1, sizeof *keys);
	int64_t *revisions = arena_zero(plan->arena, restore.then.count + 1, sizeof *revisions);
	for (size_t at = 0; at < restore.then.count; at++) {
		keys[at] = restore.then.records[at].key;
		revisions[at] = restore.then.records[at].mod_revision;
	}
	match.wanted = keys;
	match.revisions = revisions;
	match.wanted_count = restore.then.count;
	if (match.wanted_count != 0)
		err = restore_all_above(plan, revision);
	if (err == ERR_OK)
		err = tree_match(plan, &match);
	if (err == ERR_OK && match.wanted_count == 0)
		tree_plan_keep_parent(plan);
	return err;
}
