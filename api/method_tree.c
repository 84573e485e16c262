/* SPDX-License-Identifier: Apache-2.0 */
/* The methods on many files at once. What they know of files is tree/'s. */
#include <string.h>
#include <sys/stat.h>

#include "api/method.h"

#include "api/scope.h"
#include "api/shape.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/proto.h"
#include "base/random.h"
#include "tree/tree.h"

struct planned {
	struct tree_plan plan; /* the newest; in call->planning */
	int64_t at_revision;
};

static enum err tree_check_path(struct call *call, ProtobufCBinaryData path)
{
	bool whole = path.len == 0 || path.data[0] == '/';
	if (path.len > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	return whole ? ERR_OK : call_fail(call, ERR_INVALID, "a path begins with '/'");
}

static struct bytes tree_path(ProtobufCBinaryData path)
{
	return scope_trim(proto_bytes(path));
}

static enum err tree_find_when(struct call *call, struct kv_view *view, const char *when, int64_t *ret_revision)
{
	if (when[0] == '\0') {
		*ret_revision = kv_view_revision(view);
		return ERR_OK;
	}
	enum err err = tree_when(view, when, clock_wall_ns(), ret_revision);
	if (err == ERR_INVALID)
		return call_fail(call, err,
		                 "'%.64s' is no point of the history: a revision (4711), a time "
		                 "(2026-12-01T13:00:00Z) or an age (-10m)",
		                 when);
	if (err == ERR_FUTURE)
		return call_fail(call, err, "revision %s is in the future: the newest is %lld", when,
		                 (long long)kv_view_revision(view));
	if (err == ERR_COMPACTED)
		return call_fail(call, err, "%s is older than what is kept: that begins with revision %lld", when,
		                 (long long)kv_view_compacted(view));
	return err;
}

/* ---- tree ---- */

/* The names end in a zero each. */
static enum err tree_shape_xattrs(struct bytes xattrs, Etcfs__Control__TreeEntry *entry, struct arena *arena)
{
	struct cursor cursor = cursor_over(xattrs);
	while (!cursor.bad && cursor.rest.size != 0) {
		Etcfs__Control__Xattr *xattr = arena_take(arena, sizeof *xattr);
		etcfs__control__xattr__init(xattr);
		xattr->name = proto_data(cursor_sized(&cursor));
		xattr->value = proto_data(cursor_sized(&cursor));
		entry->xattrs = arena_more(arena, entry->xattrs, entry->n_xattrs, sizeof xattr);
		entry->xattrs[entry->n_xattrs++] = xattr;
	}
	return cursor.bad ? ERR_CORRUPT : ERR_OK;
}

static enum err tree_shape_entry(const struct kv_record *record, struct arena *arena,
                                 Etcfs__Control__TreeEntry **ret_entry)
{
	Etcfs__Control__TreeEntry *entry = arena_take(arena, sizeof *entry);
	struct attr attr;
	etcfs__control__tree_entry__init(entry);
	enum err err = tree_attr(record, &attr);
	if (err == ERR_OK)
		err = tree_shape_xattrs(attr.xattrs, entry, arena);
	if (err != ERR_OK)
		return err;
	entry->key = proto_data(record->key);
	entry->mode = attr.mode;
	entry->uid = attr.uid;
	entry->gid = attr.gid;
	entry->revision = record->mod_revision;
	entry->time = shape_time(record->time_ns, arena);
	*ret_entry = entry;
	return ERR_OK;
}

static enum err tree_list(struct call *call, struct kv_view *view, Etcfs__Control__TreeResponse *response)
{
	const Etcfs__Control__TreeRequest *request = (const Etcfs__Control__TreeRequest *)call->request;
	struct tree_range range = {
	    .path = tree_path(request->path), .after = proto_bytes(request->after), .max = CONTROL_PAGE_MAX};
	struct tree_records found = {0};
	enum err err = tree_find_when(call, view, request->when, &response->revision);
	range.revision = response->revision;
	if (err == ERR_OK)
		err = tree_read(view, &range, &call->arena, &found);
	if (err != ERR_OK)
		return err;
	response->entries = arena_take(&call->arena, (found.count + 1) * sizeof *response->entries);
	for (; response->n_entries < found.count && err == ERR_OK; response->n_entries++)
		err = tree_shape_entry(&found.records[response->n_entries], &call->arena,
		                       &response->entries[response->n_entries]);
	response->more = found.count == range.max;
	return err;
}

enum err method_tree(struct call *call, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__TreeRequest *request = (const Etcfs__Control__TreeRequest *)call->request;
	enum err err = tree_check_path(call, request->path);
	if (err != ERR_OK)
		return err;
	Etcfs__Control__TreeResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__tree_response__init(response);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	err = tree_list(call, view, response);
	kv_view_close(view);
	if (err == ERR_OK)
		*ret_response = &response->base;
	return err;
}

/* ---- plans ---- */

static struct planned *planned_begin(struct call *call, struct bytes path)
{
	struct planned *planned = call->plan != NULL ? call->plan : arena_zero(&call->arena, 1, sizeof *planned);
	tree_plan_init(&planned->plan, kv_view_open(replica_kv(call->service->replica)), path, &call->planning);
	planned->plan.now_ns = clock_wall_ns();
	planned->plan.ids = random_from_system();
	call->plan = planned;
	return planned;
}

/* The view ends here: what the plan has of it was copied. */
static enum err planned_finish(struct call *call, enum err err, bool dry_run, struct kv_command *ret_command)
{
	struct planned *planned = call->plan;
	struct tree_plan *plan = &planned->plan;
	kv_view_close(plan->view);
	plan->view = NULL;
	if (err != ERR_OK)
		return plan->why != NULL ? call_fail(call, err, "%s", plan->why) : err;
	if (!dry_run && plan->op_count != 0)
		*ret_command = (struct kv_command){.kind = KV_COMMAND_TXN, .txn = tree_plan_txn(plan)};
	return ERR_OK;
}

static Etcfs__Control__PlannedKind planned_kind(enum tree_change_kind kind)
{
	switch (kind) {
	case TREE_ADDED:
		return ETCFS__CONTROL__PLANNED_KIND__added;
	case TREE_REMOVED:
		return ETCFS__CONTROL__PLANNED_KIND__removed;
	case TREE_CHANGED:
		return ETCFS__CONTROL__PLANNED_KIND__changed;
	case TREE_ATTRIBUTES:
		return ETCFS__CONTROL__PLANNED_KIND__attributes;
	}
	return ETCFS__CONTROL__PLANNED_KIND__changed;
}

static Etcfs__Control__PlannedChange **planned_changes(struct call *call, size_t *ret_count)
{
	const struct tree_plan *plan = &((const struct planned *)call->plan)->plan;
	Etcfs__Control__PlannedChange **changes = arena_take(&call->arena, (plan->change_count + 1) * sizeof *changes);
	for (size_t at = 0; at < plan->change_count; at++) {
		changes[at] = arena_take(&call->arena, sizeof **changes);
		etcfs__control__planned_change__init(changes[at]);
		changes[at]->kind = planned_kind(plan->changes[at].kind);
		changes[at]->key = proto_data(plan->changes[at].key);
	}
	*ret_count = plan->change_count;
	return changes;
}

static int64_t planned_revision(const struct call *call)
{
	return call->result != NULL ? call->result->revision : 0;
}

/* ---- restore ---- */

enum err method_restore_command(struct call *call, struct kv_command *ret_command)
{
	const Etcfs__Control__RestoreRequest *request = (const Etcfs__Control__RestoreRequest *)call->request;
	enum err err = tree_check_path(call, request->path);
	if (err == ERR_OK && request->when[0] == '\0')
		err = call_fail(call, ERR_INVALID, "as it was when? Say a revision, a time or an age");
	if (err != ERR_OK)
		return err;
	struct planned *planned = planned_begin(call, tree_path(request->path));
	if (planned->at_revision == 0) /* planned again, an age still means the same revision */
		err = tree_find_when(call, planned->plan.view, request->when, &planned->at_revision);
	if (err == ERR_OK)
		err = tree_restore(&planned->plan, planned->at_revision);
	return planned_finish(call, err, request->dry_run, ret_command);
}

enum err method_restore(struct call *call, ProtobufCMessage **ret_response)
{
	Etcfs__Control__RestoreResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__restore_response__init(response);
	response->at_revision = ((const struct planned *)call->plan)->at_revision;
	response->revision = planned_revision(call);
	response->changes = planned_changes(call, &response->n_changes);
	*ret_response = &response->base;
	return ERR_OK;
}

/* ---- apply ---- */

static bool apply_type_is_known(uint32_t mode, bool directory)
{
	return directory ? S_ISDIR(mode) : S_ISREG(mode) || S_ISLNK(mode);
}

static enum err apply_want(struct call *call, const Etcfs__Control__ApplyFile *file, struct bytes path,
                           struct tree_want *want)
{
	struct bytes name = proto_bytes(file->name);
	bool directory = name.size != 0 && name.data[name.size - 1] == '/',
	     itself = name.size == 0 || name.data[0] == '/';
	size_t size = path.size + (itself ? 0 : 1) + name.size;
	if ((itself && name.size > 1) || size == 0 || (name.size != 0 && memchr(name.data, 0, name.size)) ||
	    !apply_type_is_known(file->mode, directory))
		return call_fail(call, ERR_INVALID, "'%s' is not a name with a type that can be applied",
		                 arena_dup_string(&call->arena, name));
	if (size > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	if (file->value.len > call->service->value_bytes_max)
		return call_fail(call, ERR_TOO_LARGE, "%s has %zu bytes; etcfsd --max-file-size is %zu",
		                 arena_dup_string(&call->arena, name), file->value.len, call->service->value_bytes_max);
	uint8_t *key = arena_take(&call->planning, size + 1);
	memcpy(key, path.data != NULL ? path.data : key, path.size);
	key[path.size] = '/';
	memcpy(key + size - name.size, name.data != NULL ? name.data : key, name.size);
	*want = (struct tree_want){.key = bytes_of(key, size), .mode = file->mode, .value = proto_bytes(file->value)};
	return ERR_OK;
}

static enum err apply_wants(struct call *call, struct bytes path, struct tree_want **ret_wants)
{
	const Etcfs__Control__ApplyRequest *request = (const Etcfs__Control__ApplyRequest *)call->request;
	struct tree_want *wants = arena_zero(&call->planning, request->n_files + 1, sizeof *wants);
	enum err err = ERR_OK;
	for (size_t at = 0; at < request->n_files && err == ERR_OK; at++) {
		err = apply_want(call, request->files[at], path, &wants[at]);
		if (err == ERR_OK && at > 0 && bytes_compare(wants[at - 1].key, wants[at].key) >= 0)
			err = call_fail(call, ERR_INVALID, "the files are not in the order of their names");
	}
	*ret_wants = wants;
	return err;
}

enum err method_apply_command(struct call *call, struct kv_command *ret_command)
{
	const Etcfs__Control__ApplyRequest *request = (const Etcfs__Control__ApplyRequest *)call->request;
	struct bytes path = tree_path(request->path);
	struct tree_want *wants = NULL;
	enum err err = tree_check_path(call, request->path);
	if (err == ERR_OK)
		err = apply_wants(call, path, &wants);
	if (err != ERR_OK)
		return err;
	struct planned *planned = planned_begin(call, path);
	const struct tree_apply asked = {.wants = wants,
	                                 .count = request->n_files,
	                                 .remove = request->remove,
	                                 .uid = request->uid,
	                                 .gid = request->gid,
	                                 .base_revision = request->base_revision};
	err = tree_apply(&planned->plan, &asked);
	return planned_finish(call, err, request->dry_run, ret_command);
}

enum err method_apply(struct call *call, ProtobufCMessage **ret_response)
{
	Etcfs__Control__ApplyResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__apply_response__init(response);
	response->revision = planned_revision(call);
	response->changes = planned_changes(call, &response->n_changes);
	*ret_response = &response->base;
	return ERR_OK;
}
