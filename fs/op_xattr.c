/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes: user.* and trusted.* are kept with the file; user.etcfs.* say what the store knows of it, and can be read only. ACLs
 * (system.*) are not kept, and are refused in the way that cp, sed and vim take for "this filesystem has none"; security.* has no values.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/xattr.h>

#include "fs/call.h"
#include "fs/op.h"
#include "fs/reply.h"
#include "fs/stage.h"
#include "fs/xattr.h"

#define XATTR_OWN "user.etcfs."

static bool xattr_is_kept(const char *name)
{
	struct bytes text = bytes_of_string(name);
	return (bytes_have_prefix(text, BYTES_LITERAL("user.")) &&
	        !bytes_have_prefix(text, BYTES_LITERAL(XATTR_OWN))) ||
	       bytes_have_prefix(text, BYTES_LITERAL("trusted."));
}

static bool xattr_is_own(const char *name)
{
	return bytes_have_prefix(bytes_of_string(name), BYTES_LITERAL(XATTR_OWN));
}

static const char *const xattr_own_names[] = {"revision", "version", "create_revision", "lease"};
enum { XATTR_OWN_COUNT = sizeof xattr_own_names / sizeof *xattr_own_names };

static int64_t xattr_own_value(const struct kv_record *record, size_t which)
{
	const int64_t values[XATTR_OWN_COUNT] = {record->mod_revision, record->version, record->create_revision,
	                                         record->lease};
	return values[which];
}

/* ---- reading ---- */

static enum verdict xattr_object(struct call *call, struct kv_view *view, struct object *object, struct attr *attr)
{
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, object);
	if (verdict == VERDICT_GO && object_attr(object, attr) != ERR_OK)
		verdict = VERDICT_UNREADABLE;
	return verdict;
}

enum verdict op_xattr_value(const struct object *object, const char *name, struct arena *arena, struct bytes *ret_value)
{
	struct attr attr;
	if (xattr_is_own(name)) {
		for (size_t i = 0; i < XATTR_OWN_COUNT && object->has_record; i++)
			if (strcmp(name + strlen(XATTR_OWN), xattr_own_names[i]) == 0) {
				*ret_value = bytes_of_string(
				    arena_format(arena, "%" PRId64, xattr_own_value(&object->record, i)));
				return VERDICT_GO;
			}
		return VERDICT_NO_ATTRIBUTE;
	}
	if (object_attr(object, &attr) != ERR_OK)
		return VERDICT_UNREADABLE;
	enum err err = xattr_find(attr.xattrs, bytes_of_string(name), ret_value);
	return err == ERR_OK ? VERDICT_GO : err == ERR_NOT_FOUND ? VERDICT_NO_ATTRIBUTE : VERDICT_UNREADABLE;
}

enum verdict op_xattr_names(const struct object *object, struct arena *arena, struct bytes *ret_names)
{
	struct attr attr;
	bool readable = object_attr(object, &attr) == ERR_OK && xattr_names(attr.xattrs, arena, ret_names) == ERR_OK;
	return readable ? VERDICT_GO : VERDICT_UNREADABLE;
}

static enum verdict getxattr_look(struct call *call, struct kv_view *view)
{
	struct object object;
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &object);
	return verdict == VERDICT_GO ? op_xattr_value(&object, call->name, &call->scratch, &call->data) : verdict;
}

static enum verdict listxattr_look(struct call *call, struct kv_view *view)
{
	struct object object;
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &object);
	return verdict == VERDICT_GO ? op_xattr_names(&object, &call->scratch, &call->data) : verdict;
}

/* getxattr(2): size 0 asks for the size. */
static void xattr_finish(struct call *call, int error)
{
	if (error == 0 && call->size != 0 && call->data.size > call->size)
		error = ERANGE;
	if (error != 0)
		fuse_reply_err(call->req, error);
	else if (call->size == 0)
		fuse_reply_xattr(call->req, call->data.size);
	else
		fuse_reply_buf(call->req, (const char *)call->data.data, call->data.size);
}

static const struct call_kind getxattr_kind = {.name = "getxattr",
                                               .need = CALL_READS,
                                               .settles = CALL_SETTLES_NODE,
                                               .look = getxattr_look,
                                               .finish = xattr_finish};
static const struct call_kind listxattr_kind = {.name = "listxattr",
                                                .need = CALL_READS,
                                                .settles = CALL_SETTLES_NODE,
                                                .look = listxattr_look,
                                                .finish = xattr_finish};

void op_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
	if (op_is_virtual(id) || !(xattr_is_kept(name) || xattr_is_own(name))) {
		bool security = bytes_have_prefix(bytes_of_string(name), BYTES_LITERAL("security."));
		fuse_reply_err(req, security ? ENODATA : EOPNOTSUPP);
		return;
	}
	if (history_is(id)) {
		op_history_getxattr(req, id, name, size);
		return;
	}
	struct call *call = call_new(op_fs(req), req, &getxattr_kind);
	if (!call_take_node(call, 0, id))
		return;
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call->size = size;
	call_run(call);
}

void op_listxattr(fuse_req_t req, fuse_ino_t id, size_t size)
{
	if (op_is_virtual(id)) {
		fuse_reply_xattr(req, 0);
		return;
	}
	if (history_is(id)) {
		op_history_listxattr(req, id, size);
		return;
	}
	struct call *call = call_new(op_fs(req), req, &listxattr_kind);
	if (!call_take_node(call, 0, id))
		return;
	call->size = size;
	call_run(call);
}

/* ---- changing ---- */

static enum verdict setxattr_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct object object;
	struct attr attr;
	enum verdict verdict = xattr_object(call, view, &object, &attr);
	if (verdict != VERDICT_GO)
		return verdict;
	enum err err = xattr_edit(attr.xattrs, bytes_of_string(call->name), call->data, (enum xattr_mode)call->to_set,
	                          &call->scratch, &attr.xattrs);
	if (err != ERR_OK)
		return err == ERR_EXISTS      ? VERDICT_EXISTS
		       : err == ERR_NOT_FOUND ? VERDICT_NO_ATTRIBUTE
		       : err == ERR_TOO_LARGE ? VERDICT_NO_ROOM
		                              : VERDICT_UNREADABLE;
	attr.ctime_ns = fs_now_ns(call->fs);
	if (object.is_directory)
		attr.tree_revision = object.directory.changed_revision;
	return plan_attr(plan, &object, &attr);
}

static const struct call_kind setxattr_kind = {.name = "setxattr",
                                               .need = CALL_CHANGES,
                                               .settles = CALL_SETTLES_NODE,
                                               .plan = setxattr_plan,
                                               .finish = reply_status};

struct setxattr {
	const char *name;
	struct bytes value;
	enum xattr_mode mode;
};

static void setxattr_run(fuse_req_t req, fuse_ino_t id, const struct setxattr *asked)
{
	if (op_virtual_refuse(req, id))
		return;
	if (!xattr_is_kept(asked->name)) {
		fuse_reply_err(req, xattr_is_own(asked->name) ? EPERM : EOPNOTSUPP);
		return;
	}
	struct call *call = call_new(op_fs(req), req, &setxattr_kind);
	if (!call_take_node(call, 0, id))
		return;
	call->name = arena_dup_string(&call->arena, bytes_of_string(asked->name));
	call->data = arena_dup(&call->arena, asked->value);
	call->to_set = asked->mode;
	call_run(call);
}

void op_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size, int flags)
{
	enum xattr_mode mode = flags == XATTR_CREATE ? XATTR_MAKE : flags == XATTR_REPLACE ? XATTR_CHANGE : XATTR_SET;
	setxattr_run(req, id, &(struct setxattr){name, bytes_of(value, size), mode});
}

void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name)
{
	setxattr_run(req, id, &(struct setxattr){name, BYTES_NONE, XATTR_TAKE});
}
