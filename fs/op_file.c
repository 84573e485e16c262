/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on open files: open, read, write, flush, fsync, release. */
#include "fs/op_file.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/closing.h"
#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/op.h"
#include "fs/reply.h"
#include "fs/stage.h"

/* ---- open ---- */

void file_end(struct call *call, int error)
{
	(void)error;
	if (call->handle)
		handle_free(call->fs, call->handle);
}

static enum verdict file_empty(struct call *call, struct kv_view *view)
{
	enum stage_answer answer;
	call->resume = call_again;
	while ((answer = stage_resize(call->handle->stage, 0, call)) == STAGE_LOAD) {
		enum verdict verdict = stage_load(call->handle->stage, view, &call->scratch);
		if (verdict != VERDICT_GO)
			return verdict;
	}
	return answer == STAGE_WAIT ? VERDICT_WAIT : VERDICT_GO;
}

enum verdict file_open(struct call *call, struct kv_view *view, struct node *node)
{
	if (!call->handle)
		call->handle = handle_new_file(call->fs, node, call->info.flags);
	bool empties = call->info.flags & O_TRUNC && call->handle->writable;
	return empties ? file_empty(call, view) : VERDICT_GO;
}

static enum verdict open_look(struct call *call, struct kv_view *view)
{
	struct fs *fs = call->fs;
	struct node *node = call->nodes[0];
	struct object object;
	/* The handle comes first: from now on, should the object go, its content is kept. */
	if (!call->handle)
		call->handle = handle_new_file(fs, node, call->info.flags);
	struct node_look look = node_look(fs->nodes, node, &call->scratch);
	if (look.state == NODE_GONE) {
		/* Replaced since the kernel looked it up: it is read as it was then. Who wants to write had rather walk the path again, which
		 * the kernel does for ESTALE, than write to what is gone. */
		if (call->handle->writable && stage_is_lost(call->handle->stage))
			return VERDICT_STALE;
		enum verdict verdict = stage_recover(call->handle->stage, view, &call->scratch);
		if (verdict != VERDICT_GO)
			return verdict;
	}
	if (look.state == NODE_LINKED) {
		enum verdict verdict = fs_object(fs, view, node, &call->scratch, &object);
		if (verdict != VERDICT_GO)
			return verdict;
		if (object.is_directory)
			return VERDICT_IS_DIRECTORY;
		call->found.revision = object.record.mod_revision;
		node_saw(fs->nodes, node, object.record.mod_revision);
	}
	return file_open(call, view, node);
}

static void open_finish(struct call *call, int error)
{
	if (error != 0) {
		fuse_reply_err(call->req, error);
		return;
	}
	struct handle *handle = call->handle;
	call->handle = NULL;
	call->info.fh = (uintptr_t)handle;
	call->info.keep_cache = stage_keeps_pages(handle->stage, call->found.revision);
	call->info.noflush = !handle->writable;
	call->info.direct_io = handle->direct;
	if (fuse_reply_open(call->req, &call->info) != 0)
		handle_free(call->fs, handle);
}

static const struct call_kind open_kind = {
    .name = "open", .need = CALL_READS, .look = open_look, .finish = open_finish, .end = file_end};

void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct fs *fs = op_fs(req);
	if (op_virtual_open(req, id, info) || replay_open(fs->replay, req, id, info))
		return;
	struct call *call = call_new(fs, req, &open_kind);
	call->info = *info;
	if (call_take_node(call, 0, id))
		call_run(call);
}

/* ---- read ---- */

/* A content of a few pages is read from the store as often as the kernel asks; a larger one is kept. */
static enum verdict read_committed(struct call *call, struct kv_view *view)
{
	struct object object;
	enum verdict verdict = fs_object(call->fs, view, call->stage->node, &call->scratch, &object);
	if (verdict != VERDICT_GO)
		return verdict;
	struct bytes value = object.record.value;
	if (value.size >= STAGE_KEEP_BYTES_MIN) {
		verdict = stage_load(call->stage, view, &call->scratch);
		return verdict == VERDICT_GO ? VERDICT_AGAIN : verdict;
	}
	size_t start = (size_t)call->offset < value.size ? (size_t)call->offset : value.size, rest = value.size - start;
	call->data = bytes_of(value.data + start, rest < call->size ? rest : call->size);
	stage_paged(call->stage, object.record.mod_revision);
	return VERDICT_GO;
}

static bool read_staged(struct call *call)
{
	return stage_read(call->stage, (size_t)call->offset, call->size, &call->scratch, &call->data) == STAGE_DONE;
}

static enum verdict read_now(struct call *call, struct kv_view *view)
{
	if (read_staged(call))
		return VERDICT_GO;
	enum verdict verdict = read_committed(call, view);
	/* Its object may have gone meanwhile, and left its content in the stage. */
	return verdict == VERDICT_STALE && read_staged(call) ? VERDICT_GO : verdict;
}

static enum verdict read_look(struct call *call, struct kv_view *view)
{
	struct handle *handle = call->handle;
	if (!handle->direct)
		return read_now(call, view);
	if (reading_continue(&handle->reading, (size_t)call->offset, call->size, &call->scratch, &call->data))
		return VERDICT_GO;
	if (call->offset != 0)
		return read_now(call, view);
	size_t asked = call->size;
	call->size = SIZE_MAX;
	enum verdict verdict = read_now(call, view);
	call->size = asked;
	if (verdict == VERDICT_GO) {
		struct bytes content = call->data;
		call->data.size = content.size < asked ? content.size : asked;
		reading_begin(&handle->reading, content, call->data.size);
	}
	return verdict;
}

static void read_finish(struct call *call, int error)
{
	if (error == 0)
		fuse_reply_buf(call->req, (const char *)call->data.data, call->data.size);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind read_kind = {
    .name = "read", .need = CALL_READS_HERE, .look = read_look, .finish = read_finish};

void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	if (op_virtual_read(req, size, offset, info))
		return;
	struct call *call = call_new(op_fs(req), req, &read_kind);
	call->handle = handle_of(info);
	call->stage = call->handle->stage;
	call->offset = offset;
	call->size = size;
	if (call_take_node(call, 0, id))
		call_run(call);
}

/* ---- write ---- */

static enum verdict write_look(struct call *call, struct kv_view *view)
{
	struct stage_write write = {
	    .data = call->data, .offset = (size_t)call->offset, .append = call->appends, .writer = call->thread};
	enum stage_answer answer;
	call->resume = call_again;
	while ((answer = stage_write(call->stage, &write, call)) == STAGE_LOAD) {
		enum verdict verdict = stage_load(call->stage, view, &call->scratch);
		if (verdict != VERDICT_GO)
			return verdict;
	}
	if (answer == STAGE_WAIT)
		return VERDICT_WAIT;
	return answer == STAGE_TOO_LARGE ? VERDICT_TOO_LARGE : VERDICT_GO;
}

static void write_finish(struct call *call, int error)
{
	if (error == 0)
		fuse_reply_write(call->req, call->data.size);
	else
		fuse_reply_err(call->req, error);
}

static const struct call_kind write_kind = {
    .name = "write", .need = CALL_READS_HERE, .look = write_look, .finish = write_finish};

void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset, struct fuse_file_info *info)
{
	if (replay_write(req, size, info))
		return;
	struct call *call = call_new(op_fs(req), req, &write_kind);
	/* An interrupted write's handle may be gone when it goes on. */
	call->stage = handle_of(info)->stage;
	call->appends = handle_of(info)->append && !info->writepage;
	call->offset = offset;
	call->data = arena_dup(&call->arena, bytes_of(data, size));
	if (call_take_node(call, 0, id))
		call_run(call);
}

/* ---- flush, fsync, release ---- */

static const struct call_kind save_kind = {.name = "save", .need = CALL_CHANGES, .finish = reply_status};

/* The request is answered when what is staged is committed. */
static void file_save(fuse_req_t req, fuse_ino_t id, struct stage *stage)
{
	struct call *call = call_new(op_fs(req), req, &save_kind);
	if (!call_take_node(call, 0, id))
		return;
	call->stage = stage;
	call->resume = stage_saved;
	if (!stage_commit(stage, call))
		stage_saved(call, 0);
}

void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	if (replay_flush(req, info))
		return;
	bool saves = handle->kind == HANDLE_FILE && handle->writable && stage_is_dirty(handle->stage);
	if (saves && !stage_has_writes(handle->stage)) {
		uint64_t inode = node_record_id(op_fs(req)->nodes, handle->node);
		saves = !closing_has_another(fuse_req_ctx(req)->pid, inode);
	}
	if (saves)
		file_save(req, id, handle->stage);
	else
		fuse_reply_err(req,
		               handle->kind == HANDLE_FILE && handle->writable ? stage_take_failure(handle->stage) : 0);
}

void op_fsync(fuse_req_t req, fuse_ino_t id, int only_data, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	if (handle->kind == HANDLE_FILE)
		file_save(req, id, handle->stage);
	else
		fuse_reply_err(req, 0);
}

void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct handle *handle = handle_of(info);
	if (replay_release(req, info))
		return;
	/* Nobody hears of a failure here: commit.c logs it. */
	if (handle->kind == HANDLE_FILE && handle->writable)
		stage_commit_last(handle->stage);
	handle->writable = false;
	handle_free(op_fs(req), handle);
	fuse_reply_err(req, 0);
}

/* Not ENOSYS: that would end all of them for the mount. */
void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t offset, off_t length, struct fuse_file_info *info)
{
	fuse_reply_err(req, EOPNOTSUPP);
}
