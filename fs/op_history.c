/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on `.etcfs/at/` and what is below it. Only the look at `.etcfs/at/WHEN` waits for a barrier, if there is one soon: each path begins with
 * it, so what is permitted today is as new as the walk, and history can be read without a quorum. All else is answered from the state here.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/when.h"
#include "fs/call.h"
#include "fs/handle.h"
#include "fs/op.h"
#include "fs/past.h"
#include "fs/reply.h"
#include "fs/rim.h"

enum { HISTORY_GROUPS_MAX = 65536 /* NGROUPS_MAX of Linux */ };

static int history_errno(enum err err)
{
	if (err == ERR_COMPACTED)
		return verdict_errno(VERDICT_FORGOTTEN);
	if (err == ERR_FUTURE)
		return verdict_errno(VERDICT_NOT_YET);
	return err == ERR_TOO_LARGE ? ENAMETOOLONG : rim_errno_of_read(err);
}

/* ---- the request: who asks, for what, in which state ---- */

struct history_request {
	struct fs *fs;
	fuse_req_t req;
	struct arena arena;
	struct past past;
	struct history_place place;
};

static struct bytes history_root_key(struct fs *fs, struct arena *arena)
{
	return bytes_of_string(arena_format(arena, "%s/", fs->options.root_key));
}

static int history_begin(struct history_request *request, fuse_req_t req, fuse_ino_t id)
{
	struct fs *fs = op_fs(req);
	*request = (struct history_request){.fs = fs, .req = req};
	arena_init(&request->arena);
	if (!history_find(fs->history, id, &request->arena, &request->place))
		return ESTALE;
	request->past = (struct past){.view = kv_view_open(fs->kv),
	                              .revision = request->place.revision,
	                              .time_ns = request->place.time_ns,
	                              .root_key = history_root_key(fs, &request->arena)};
	return 0;
}

static void history_end(struct history_request *request)
{
	if (request->past.view)
		kv_view_close(request->past.view);
	arena_fini(&request->arena);
}

/* Of a caller whose groups cannot be told nothing is permitted: a group can also be shut out. */
static int history_permits(struct history_request *request, enum past_want want)
{
	const struct fuse_ctx *context = fuse_req_ctx(request->req);
	struct past_caller caller = {.uid = context->uid, .gid = context->gid};
	if (caller.uid == 0)
		return 0;
	int count = fuse_req_getgroups(request->req, 0, NULL);
	if (count < 0 || count > HISTORY_GROUPS_MAX)
		return EACCES;
	gid_t *groups = arena_take(&request->arena, ((size_t)count + 1) * sizeof *groups);
	int got = fuse_req_getgroups(request->req, count, groups);
	if (got < 0 || got > count)
		return EACCES;
	caller.groups = groups;
	caller.group_count = (size_t)got;
	return history_errno(past_permits(&request->past, request->place.key, want, &caller));
}

static int history_object(struct history_request *request, struct object *ret_object)
{
	return history_errno(past_read(&request->past, request->place.key, &request->arena, ret_object));
}

/* ---- lookup ---- */

/* What an object is never changes, so the kernel keeps it, and reads on when the revision is compacted; the name is asked for each time. */
static void history_reply_entry(struct fs *fs, fuse_req_t req, const struct history_place *place,
                                const struct stat *stat)
{
	struct fuse_entry_param param = {
	    .ino = history_look_up(fs->history, place), .attr = *stat, .attr_timeout = REPLY_KEPT_S};
	if (fuse_reply_entry(req, &param) != 0)
		history_forget(fs->history, param.ino, 1);
}

static int history_find_child(struct history_request *request, const char *name, struct object *object,
                              struct stat *stat)
{
	int error = history_permits(request, PAST_SEARCH);
	if (error != 0)
		return error;
	enum err err = past_find(&request->past, request->place.key, name, &request->arena, object);
	if (err == ERR_OK)
		err = past_stat(&request->past, object, stat);
	return history_errno(err);
}

void op_history_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct history_request request;
	struct object object;
	struct stat stat;
	int error = history_begin(&request, req, parent);
	if (error == 0)
		error = history_find_child(&request, name, &object, &stat);
	if (error == 0) {
		request.place.key = object.key;
		history_reply_entry(request.fs, req, &request.place, &stat);
	} else {
		fuse_reply_err(req, error);
	}
	history_end(&request);
}

static enum verdict history_revision(struct kv_view *view, const char *name, int64_t *ret_revision)
{
	struct when when;
	if (when_parse(name, clock_wall_ns(), &when) != ERR_OK)
		return VERDICT_ABSENT;
	if (when.kind == WHEN_TIME) {
		enum err err = kv_revision_at(view, when.time_ns, ret_revision);
		return err == ERR_OK ? VERDICT_GO : err == ERR_NOT_FOUND ? VERDICT_FORGOTTEN : VERDICT_UNREADABLE;
	}
	*ret_revision = when.revision;
	if (when.revision > kv_view_revision(view))
		return VERDICT_NOT_YET;
	return when.revision < kv_view_compacted(view) ? VERDICT_FORGOTTEN : VERDICT_GO;
}

/* When that revision was; 0: so early that nothing tells. */
static int64_t history_time(struct kv_view *view, int64_t revision, struct arena *arena)
{
	struct kv_change change;
	return kv_change_until(view, revision, arena, &change) == ERR_OK ? change.time_ns : 0;
}

static enum verdict history_when_look(struct call *call, struct kv_view *view)
{
	struct past past = {.view = view, .root_key = history_root_key(call->fs, &call->arena)};
	struct object root;
	enum verdict verdict = history_revision(view, call->name, &past.revision);
	if (verdict != VERDICT_GO)
		return verdict;
	if (!history_knows_time(call->fs->history, past.revision, past.root_key, &past.time_ns))
		past.time_ns = history_time(view, past.revision, &call->scratch);
	call->data = past.root_key;
	call->revision = past.revision;
	call->offset = past.time_ns;
	enum err err = past_read(&past, past.root_key, &call->scratch, &root);
	if (err == ERR_OK)
		err = past_stat(&past, &root, &call->stat);
	return err == ERR_OK ? VERDICT_GO : err == ERR_COMPACTED ? VERDICT_FORGOTTEN : VERDICT_UNREADABLE;
}

static void history_when_finish(struct call *call, int error)
{
	struct history_place place = {.revision = call->revision, .time_ns = call->offset, .key = call->data};
	if (error == 0)
		history_reply_entry(call->fs, call->req, &place, &call->stat);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind history_when_kind = {
    .name = "lookup", .need = CALL_READS_ROOT, .look = history_when_look, .finish = history_when_finish};

void op_history_lookup_when(fuse_req_t req, const char *name)
{
	struct when when;
	if (when_parse(name, clock_wall_ns(), &when) != ERR_OK) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	struct call *call = call_new(op_fs(req), req, &history_when_kind);
	call->name = arena_dup_string(&call->arena, bytes_of_string(name));
	call_run(call);
}

/* ---- what is asked of an object ---- */

void op_history_getattr(fuse_req_t req, fuse_ino_t id)
{
	struct history_request request;
	struct object object;
	struct stat stat;
	int error = history_begin(&request, req, id);
	if (error == 0)
		error = history_object(&request, &object);
	if (error == 0)
		error = history_errno(past_stat(&request.past, &object, &stat));
	if (error == 0)
		fuse_reply_attr(req, &stat, REPLY_KEPT_S);
	else
		fuse_reply_err(req, error);
	history_end(&request);
}

void op_history_readlink(fuse_req_t req, fuse_ino_t id)
{
	struct history_request request;
	struct object object;
	int error = history_begin(&request, req, id);
	if (error == 0)
		error = history_object(&request, &object);
	if (error == 0)
		fuse_reply_readlink(req, arena_dup_string(&request.arena, object.record.value));
	else
		fuse_reply_err(req, error);
	history_end(&request);
}

static void history_reply_xattr(fuse_req_t req, struct bytes data, size_t size, int error)
{
	if (error == 0 && size != 0 && data.size > size)
		error = ERANGE;
	if (error != 0)
		fuse_reply_err(req, error);
	else if (size == 0)
		fuse_reply_xattr(req, data.size);
	else
		fuse_reply_buf(req, (const char *)data.data, data.size);
}

void op_history_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size)
{
	struct history_request request;
	struct object object;
	struct bytes value = BYTES_NONE;
	int error = history_begin(&request, req, id);
	if (error == 0)
		error = history_permits(&request, PAST_READ);
	if (error == 0)
		error = history_object(&request, &object);
	if (error == 0)
		error = verdict_errno(op_xattr_value(&object, name, &request.arena, &value));
	history_reply_xattr(req, value, size, error);
	history_end(&request);
}

void op_history_listxattr(fuse_req_t req, fuse_ino_t id, size_t size)
{
	struct history_request request;
	struct object object;
	struct bytes names = BYTES_NONE;
	int error = history_begin(&request, req, id);
	if (error == 0)
		error = history_object(&request, &object);
	if (error == 0)
		error = verdict_errno(op_xattr_names(&object, &request.arena, &names));
	history_reply_xattr(req, names, size, error);
	history_end(&request);
}

/* ---- files ---- */

/* The whole content: who has opened it can read it when it is compacted, too. */
void op_history_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct history_request request;
	struct object object;
	int error = (info->flags & O_ACCMODE) != O_RDONLY || info->flags & O_TRUNC ? EROFS : 0;
	if (error != 0) {
		fuse_reply_err(req, error);
		return;
	}
	error = history_begin(&request, req, id);
	if (error == 0)
		error = history_permits(&request, PAST_READ);
	if (error == 0)
		error = history_object(&request, &object);
	if (error == 0) {
		struct handle *handle = handle_new_virtual(request.fs);
		handle->content = arena_dup(&handle->arena, object.record.value);
		info->fh = (uintptr_t)handle;
		info->keep_cache = 1; /* it never changes */
		info->noflush = 1;
		if (fuse_reply_open(req, info) != 0)
			handle_free(request.fs, handle);
	} else {
		fuse_reply_err(req, error);
	}
	history_end(&request);
}

/* ---- directories ---- */

int op_history_may_list(fuse_req_t req, fuse_ino_t id)
{
	struct history_request request;
	int error = history_begin(&request, req, id);
	if (error == 0)
		error = history_permits(&request, PAST_READ);
	history_end(&request);
	return error;
}

struct history_listing {
	struct history_request *request;
	const struct op_readdir *asked;
	struct listing *listing;
	char *buffer;
	size_t used;
	off_t position; /* of the last entry in the buffer */
};

/* False: the buffer is full. READDIRPLUS gets names without their nodes: they are looked up when they are wanted. */
static bool history_add(struct history_listing *list, const char *name, const struct stat *stat, off_t next)
{
	fuse_req_t req = list->request->req;
	char *place = list->buffer + list->used;
	size_t room = list->asked->size - list->used;
	struct fuse_entry_param param = {.attr = *stat};
	size_t length = list->asked->kind == OP_READDIR_PLUS
	                    ? fuse_add_direntry_plus(req, place, room, name, &param, next)
	                    : fuse_add_direntry(req, place, room, name, stat, next);
	if (length > room)
		return false;
	list->used += length;
	list->position = next;
	return true;
}

static bool history_add_dots(struct history_listing *list)
{
	struct stat stat = {.st_mode = S_IFDIR, .st_ino = past_number(&list->request->past, list->request->place.key)};
	if (list->position < LISTING_DOT && !history_add(list, ".", &stat, LISTING_DOT))
		return false;
	return list->position >= LISTING_DOT_DOT || history_add(list, "..", &stat, LISTING_DOT_DOT);
}

static bool history_add_child(struct history_listing *list, const struct past_child *child)
{
	struct stat stat = {.st_mode = child->mode, .st_ino = past_number(&list->request->past, child->key)};
	size_t next = listing_number(list->listing, (size_t)list->position, child->segment, child->is_directory);
	return history_add(list, child->name.text, &stat, (off_t)next);
}

static int history_fill(struct history_listing *list)
{
	struct history_request *request = list->request;
	struct past_child child = {0};
	if (!history_add_dots(list))
		return 0;
	if (list->position >= LISTING_FIRST &&
	    !listing_child(list->listing, (size_t)list->position, &child.segment, &child.is_directory))
		return ESTALE;
	child.segment = arena_dup(&request->arena, child.segment);
	enum err err;
	while ((err = past_next(&request->past, request->place.key, child.segment, child.is_directory, &request->arena,
	                        &child)) == ERR_OK)
		if (!history_add_child(list, &child))
			return 0;
	return err == ERR_NOT_FOUND || list->used != 0 ? 0 : history_errno(err);
}

void op_history_readdir(fuse_req_t req, const struct op_readdir *asked, struct fuse_file_info *info)
{
	struct history_request request;
	struct history_listing list = {
	    .request = &request, .asked = asked, .listing = &handle_of(info)->listing, .position = asked->offset};
	int error = history_begin(&request, req, asked->id);
	if (error == 0) {
		list.buffer = arena_take(&request.arena, asked->size);
		pthread_mutex_lock(&list.listing->mutex);
		if (asked->offset == LISTING_START)
			listing_rewind(list.listing);
		error = history_fill(&list);
		pthread_mutex_unlock(&list.listing->mutex);
	}
	if (error == 0)
		fuse_reply_buf(req, list.buffer, list.used);
	else
		fuse_reply_err(req, error);
	history_end(&request);
}
