/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/match.h"

#include <stdarg.h>
#include <stdio.h>

enum { PLAN_PIECE_BYTES = 128 /* what an operation with its guards takes beside its bytes */ };

void tree_plan_init(struct tree_plan *plan, struct kv_view *view, struct bytes path, struct arena *arena)
{
	*plan = (struct tree_plan){.view = view, .arena = arena, .path = path};
}

struct kv_txn tree_plan_txn(const struct tree_plan *plan)
{
	return (struct kv_txn){
	    .compares = plan->compares,
	    .compare_count = plan->compare_count,
	    .success = plan->ops,
	    .success_count = plan->op_count,
	};
}

enum err tree_fail(struct tree_plan *plan, enum err err, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	plan->why = arena_dup_string(plan->arena, bytes_of_string(text));
	return err;
}

enum err tree_plan_check(struct tree_plan *plan)
{
	if (plan->op_count > TREE_OPS_MAX || plan->compare_count > TREE_OPS_MAX)
		return tree_fail(plan, ERR_LIMIT,
		                 "more than the %d changes that one revision can hold: take a smaller directory",
		                 TREE_OPS_MAX);
	if (plan->bytes > TREE_BYTES_MAX)
		return tree_fail(plan, ERR_TOO_LARGE,
		                 "more than the %d MiB that one revision can hold: take a smaller directory",
		                 TREE_BYTES_MAX >> 20);
	return ERR_OK;
}

/* ---- guards ---- */

static void plan_compare(struct tree_plan *plan, struct kv_compare compare)
{
	plan->compares = arena_more(plan->arena, plan->compares, plan->compare_count, sizeof compare);
	plan->compares[plan->compare_count++] = compare;
	plan->bytes += compare.range.start.size + PLAN_PIECE_BYTES / 2;
}

static void plan_guard(struct tree_plan *plan, struct bytes key, enum kv_target target, int64_t number)
{
	plan_compare(
	    plan, (struct kv_compare){.target = target, .result = KV_EQUAL, .range = {.start = key}, .number = number});
}

static void plan_guard_empty(struct tree_plan *plan, struct kv_txn *txn, struct bytes start, struct bytes end)
{
	struct kv_compare *compares = (struct kv_compare *)txn->compares;
	compares[txn->compare_count++] =
	    (struct kv_compare){.target = KV_CREATE, .result = KV_EQUAL, .range = {start, end}};
}

static struct bytes plan_key(struct tree_plan *plan, struct bytes key, const char *end)
{
	size_t more = strlen(end);
	uint8_t *longer = arena_take(plan->arena, key.size + more + 1);
	memcpy(longer, key.data, key.size);
	memcpy(longer + key.size, end, more + 1);
	return bytes_of(longer, key.size + more);
}

/* A file and a directory of one name stand beside each other in the store: what the other one is, it still is. */
static enum err plan_guard_sibling(struct tree_plan *plan, struct bytes key)
{
	if (tree_is_directory(key)) {
		struct bytes file = bytes_of(key.data, key.size - 1);
		struct kv_record record = {0};
		AUTO_ARENA struct arena scratch;
		arena_init(&scratch);
		enum err err = kv_get(plan->view, file, &scratch, &record);
		plan_guard(plan, file, KV_MOD, record.mod_revision);
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	struct bytes below = plan_key(plan, key, "/");
	struct kv_directory directory = {0};
	enum err err = kv_directory(plan->view, below, &directory);
	plan_guard(plan, below, KV_ID, (int64_t)directory.id);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The directory is the one of the view, or missing as in it, and no file has its name: then nothing below it can be in the way. */
static enum err plan_guard_directory(struct tree_plan *plan, struct bytes directory, bool *ret_is_new)
{
	struct kv_directory found = {0};
	*ret_is_new = false;
	if (directory.size <= 1)
		return ERR_OK; /* the root is always there */
	enum err err = kv_directory(plan->view, directory, &found);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return err;
	plan_guard(plan, directory, KV_ID, (int64_t)found.id);
	*ret_is_new = err == ERR_NOT_FOUND;
	return *ret_is_new ? plan_guard_sibling(plan, directory) : ERR_OK;
}

/* Those above a new one, too, up to one that is there. */
static enum err plan_guard_parent(struct tree_plan *plan, struct bytes key)
{
	struct bytes parent = tree_parent(key);
	if (bytes_equal(parent, plan->guarded_parent) && parent.size != 0)
		return ERR_OK;
	plan->guarded_parent = parent;
	enum err err = plan_guard_directory(plan, parent, &plan->parent_is_new);
	bool is_new = plan->parent_is_new;
	while (err == ERR_OK && is_new) {
		parent = tree_parent(parent);
		err = plan_guard_directory(plan, parent, &is_new);
	}
	return err;
}

static enum err plan_guard_new(struct tree_plan *plan, struct bytes key)
{
	enum err err = plan_guard_parent(plan, key);
	if (err != ERR_OK || plan->parent_is_new)
		return err;
	plan_guard(plan, key, KV_MOD, 0);
	return plan_guard_sibling(plan, key);
}

/* ---- operations ---- */

static struct kv_op *plan_op(struct tree_plan *plan, enum kv_op_kind kind)
{
	plan->ops = arena_more(plan->arena, plan->ops, plan->op_count, sizeof *plan->ops);
	struct kv_op *op = &plan->ops[plan->op_count++];
	*op = (struct kv_op){.kind = kind};
	plan->bytes += PLAN_PIECE_BYTES;
	return op;
}

static void plan_tell(struct tree_plan *plan, enum tree_change_kind kind, struct bytes key)
{
	plan->changes = arena_more(plan->arena, plan->changes, plan->change_count, sizeof *plan->changes);
	plan->changes[plan->change_count++] = (struct tree_change){kind, key};
}

/* What chmod, chown and setxattr change, and the type. */
static bool plan_same_attr(const struct attr *left, const struct attr *right)
{
	return left->mode == right->mode && left->uid == right->uid && left->gid == right->gid &&
	       left->rdev == right->rdev && bytes_equal(left->xattrs, right->xattrs);
}

/* What the put would change: *ret_change is untouched when that is nothing. */
static enum err plan_difference(const struct kv_record *now, const struct kv_record *wanted,
                                enum tree_change_kind *ret_change, bool *ret_differs)
{
	struct attr attr_now, attr_wanted;
	enum err err = tree_attr(now, &attr_now);
	if (err == ERR_OK)
		err = tree_attr(wanted, &attr_wanted);
	if (err != ERR_OK)
		return err;
	bool type = (attr_now.mode & S_IFMT) == (attr_wanted.mode & S_IFMT);
	bool content = bytes_equal(now->value, wanted->value) && type;
	*ret_differs = !content || !plan_same_attr(&attr_now, &attr_wanted);
	if (*ret_differs)
		*ret_change = content ? TREE_ATTRIBUTES : TREE_CHANGED;
	return ERR_OK;
}

/* A directory without a marker is like one whose marker says nothing. */
static enum err plan_bare_directory(struct tree_plan *plan, struct bytes key, struct kv_directory *directory,
                                    struct kv_record *ret_now, bool *ret_exists)
{
	*ret_exists = false;
	if (!tree_is_directory(key))
		return ERR_OK;
	enum err err = kv_directory(plan->view, key, directory);
	*ret_exists = err == ERR_OK;
	*ret_now = (struct kv_record){.key = key};
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What is of another type, or a link to elsewhere, is another object: the kernel knows an object's type for good. */
static bool plan_is_other(const struct kv_record *now, const struct kv_record *wanted)
{
	struct attr attr_now, attr_wanted;
	if (tree_attr(now, &attr_now) != ERR_OK || tree_attr(wanted, &attr_wanted) != ERR_OK)
		return true;
	return (attr_now.mode & S_IFMT) != (attr_wanted.mode & S_IFMT) ||
	       (S_ISLNK(attr_now.mode) && !bytes_equal(now->value, wanted->value));
}

static uint64_t plan_id(struct tree_plan *plan)
{
	return KV_ID_OWN | (plan->ids + plan->op_count);
}

enum err tree_plan_put(struct tree_plan *plan, const struct kv_record *now, const struct kv_record *wanted)
{
	enum tree_change_kind change = TREE_ADDED;
	struct kv_directory directory = {0};
	struct kv_record bare;
	bool is_bare = false, differs = true;
	enum err err = now ? ERR_OK : plan_bare_directory(plan, wanted->key, &directory, &bare, &is_bare);
	if (err == ERR_OK && (now || is_bare))
		err = plan_difference(now ? now : &bare, wanted, &change, &differs);
	if (err != ERR_OK || !differs)
		return err;
	plan->bytes += wanted->key.size + wanted->value.size + wanted->attr.size;
	err = tree_plan_check(plan);
	struct bytes key = arena_dup(plan->arena, wanted->key);
	if (err == ERR_OK && now)
		plan_guard(plan, key, KV_MOD, now->mod_revision);
	else if (err == ERR_OK)
		err = plan_guard_new(plan, key);
	if (err != ERR_OK)
		return err;
	if (is_bare)
		plan_guard(plan, key, KV_ID, (int64_t)directory.id);
	uint64_t id = now && plan_is_other(now, wanted) ? plan_id(plan) : directory.id;
	plan_op(plan, KV_PUT)->put = (struct kv_put){.key = key,
	                                             .value = arena_dup(plan->arena, wanted->value),
	                                             .attr = arena_dup(plan->arena, wanted->attr),
	                                             .id = id,
	                                             .keep_lease = now != NULL};
	plan_tell(plan, change, key);
	return tree_plan_check(plan);
}

void tree_plan_delete(struct tree_plan *plan, const struct kv_record *now)
{
	plan_guard(plan, now->key, KV_MOD, now->mod_revision);
	plan_op(plan, KV_DELETE)->del.range.start = now->key;
	plan_tell(plan, TREE_REMOVED, now->key);
}

void tree_plan_delete_directory(struct tree_plan *plan, struct bytes directory)
{
	struct kv_range all = kv_prefix(directory, plan->arena);
	plan_compare(
	    plan, (struct kv_compare){
	              .target = KV_MOD, .result = KV_LESS, .range = all, .number = kv_view_revision(plan->view) + 1});
	plan_op(plan, KV_DELETE)->del.range = all;
	plan_tell(plan, TREE_REMOVED, directory);
}

/* The path's own keys are "/a" and those that begin with "/a/"; others of the directory stand before, between and behind them. */
void tree_plan_keep_parent(struct tree_plan *plan)
{
	struct bytes parent = tree_parent(plan->path);
	struct kv_directory directory;
	if (parent.size <= 1 || kv_directory(plan->view, parent, &directory) != ERR_OK || directory.marker)
		return;
	struct kv_range all = kv_prefix(parent, plan->arena);
	struct kv_txn *txn = arena_zero(plan->arena, 1, sizeof *txn);
	struct kv_op *marker = arena_zero(plan->arena, 1, sizeof *marker);
	txn->compares = arena_zero(plan->arena, 3, sizeof *txn->compares);
	plan_guard_empty(plan, txn, all.start, plan->path);
	plan_guard_empty(plan, txn, bytes_of(plan_key(plan, plan->path, "").data, plan->path.size + 1),
	                 plan_key(plan, plan->path, "/"));
	plan_guard_empty(plan, txn, plan_key(plan, plan->path, "0"), all.end);
	*marker = (struct kv_op){.kind = KV_PUT, .put = {.key = parent, .id = directory.id, .keep_attr = true}};
	txn->success = marker;
	txn->success_count = 1;
	plan_op(plan, KV_TXN)->txn = txn;
}
