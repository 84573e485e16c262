/* SPDX-License-Identifier: Apache-2.0 */
/* Requests on open directories. The first READDIR waits for the barrier, so that OPENDIR answers at once. */
#include <errno.h>
#include <stdlib.h>

#include "fs/entry.h"
#include "fs/handle.h"
#include "fs/op.h"
#include "fs/reply.h"
#include "fs/stage.h"

enum {
	READDIR_PAGE = 128,       /* children per look into the store */
	READDIR_STAGED_MAX = 256, /* of one directory; each is an open file */
	READDIR_BYTES_MAX = 1 << 20,
};

struct readdir {
	struct call *call;
	struct kv_view *view;
	struct node *directory;
	struct object object;
	struct listing *listing;
	enum op_readdir_kind kind;
	char *buffer;
	size_t used, size;
	off_t position;    /* of the last entry in the buffer */
	uint64_t *counted; /* node ids that were looked up */
	size_t counted_count;
	struct node **staged;
	size_t staged_count, staged_next;
};

/* What the buffer gets: one entry. */
struct readdir_entry {
	struct bytes segment;
	enum name_role role;
	const struct object *object; /* NULL: staged */
	struct node *staged;
};

/* False: the buffer is full. */
static bool readdir_add(struct readdir *readdir, const char *name, const struct fuse_entry_param *param, off_t next)
{
	fuse_req_t req = readdir->call->req;
	char *at = readdir->buffer + readdir->used;
	size_t room = readdir->size - readdir->used;
	size_t size = readdir->kind == OP_READDIR_PLUS ? fuse_add_direntry_plus(req, at, room, name, param, next)
	                                               : fuse_add_direntry(req, at, room, name, &param->attr, next);
	if (size > room)
		return false;
	readdir->used += size;
	readdir->position = next;
	return true;
}

static bool readdir_add_dots(struct readdir *readdir)
{
	uint64_t id = node_id(readdir->directory);
	struct fuse_entry_param param = {.attr = {.st_ino = id, .st_mode = S_IFDIR}};
	if (readdir->position < LISTING_DOT && !readdir_add(readdir, ".", &param, LISTING_DOT))
		return false;
	return readdir->position >= LISTING_DOT_DOT || readdir_add(readdir, "..", &param, LISTING_DOT_DOT);
}

/* Type and number are enough for names; PLUS wants the node, and does without it when names move just now. */
static bool readdir_found(struct readdir *readdir, const struct readdir_entry *entry, struct call_found *found)
{
	struct fs *fs = readdir->call->fs;
	*found = (struct call_found){0};
	if (!entry->object) {
		found->stat.st_ino = node_record_id(fs->nodes, entry->staged);
		found->stat.st_nlink = 1;
		found->node = node_pin(fs->nodes, entry->staged);
		return stage_stat(stage_of(fs, entry->staged), &found->stat);
	}
	if (readdir->kind == OP_READDIR_PLUS &&
	    entry_of_object(fs, readdir->view, readdir->directory, entry->segment, entry->object, found) == VERDICT_GO)
		return true;
	return object_stat(entry->object, &found->stat) == ERR_OK;
}

static bool readdir_add_entry(struct readdir *readdir, const struct readdir_entry *entry)
{
	struct fs *fs = readdir->call->fs;
	struct call_found found;
	if (!readdir_found(readdir, entry, &found)) {
		node_unpin(fs->nodes, found.node);
		return true; /* unreadable: logged, and left out */
	}
	struct name name = name_of_segment(entry->segment, entry->role, found.stat.st_ino);
	struct fuse_entry_param param = {.attr = found.stat};
	bool counts = readdir->kind == OP_READDIR_PLUS && found.node;
	if (counts)
		param = reply_param(fs, node_id(readdir->directory), name.text, &found);
	size_t next = listing_number(readdir->listing, (size_t)readdir->position, entry->segment,
	                             entry->role == NAME_OF_DIRECTORY);
	bool added = readdir_add(readdir, name.text, &param, (off_t)next);
	if (added && counts) {
		node_looked_up(fs->nodes, found.node);
		readdir->counted[readdir->counted_count++] = param.ino;
	}
	node_unpin(fs->nodes, found.node);
	return added;
}

/* ---- what is staged, in its place among what is committed ---- */

static int staged_compare(const void *left, const void *right, void *argument)
{
	struct readdir *readdir = argument;
	struct node_table *nodes = readdir->call->fs->nodes;
	struct arena *arena = &readdir->call->scratch;
	return bytes_compare(node_look(nodes, *(struct node *const *)left, arena).segment,
	                     node_look(nodes, *(struct node *const *)right, arena).segment);
}

static void staged_collect(struct readdir *readdir, struct bytes after)
{
	struct node_table *nodes = readdir->call->fs->nodes;
	struct arena *arena = &readdir->call->scratch;
	readdir->staged = arena_zero(arena, READDIR_STAGED_MAX, sizeof(struct node *));
	readdir->staged_count = node_staged_in(nodes, readdir->directory, readdir->staged, READDIR_STAGED_MAX);
	qsort_r(readdir->staged, readdir->staged_count, sizeof(struct node *), staged_compare, readdir);
	while (readdir->position >= LISTING_FIRST && readdir->staged_next < readdir->staged_count &&
	       bytes_compare(node_look(nodes, readdir->staged[readdir->staged_next], arena).segment, after) <= 0)
		readdir->staged_next++;
}

static void staged_drop(struct readdir *readdir)
{
	for (size_t i = 0; i < readdir->staged_count; i++)
		node_unpin(readdir->call->fs->nodes, readdir->staged[i]);
}

/* Those that come before `until`, or all. */
static bool staged_add(struct readdir *readdir, const struct bytes *until)
{
	struct fs *fs = readdir->call->fs;
	for (; readdir->staged_next < readdir->staged_count; readdir->staged_next++) {
		struct node *node = readdir->staged[readdir->staged_next];
		struct bytes segment = node_look(fs->nodes, node, &readdir->call->scratch).segment;
		int order = until ? bytes_compare(segment, *until) : -1;
		if (order > 0)
			break;
		struct readdir_entry entry = {.segment = segment, .role = NAME_OF_FILE, .staged = node};
		if (order < 0 && !readdir_add_entry(readdir, &entry))
			return false;
	}
	return true;
}

/* ---- what is committed ---- */

static bool child_is_shadowed(struct readdir *readdir, const struct kv_child *children, size_t at, size_t count)
{
	if (children[at].is_directory)
		return false;
	if (at + 1 < count)
		return bytes_equal(children[at + 1].name, children[at].name);
	if (count < READDIR_PAGE)
		return false;
	struct spot spot;
	struct name name = name_of_segment(children[at].name, NAME_OF_DIRECTORY, 1);
	return spot_read(readdir->view, &readdir->object, name.text, &readdir->call->scratch, &spot) == VERDICT_GO &&
	       spot.kind == SPOT_DIRECTORY;
}

static bool children_add(struct readdir *readdir, const struct kv_child *children, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct object object = {.is_directory = children[i].is_directory,
		                        .has_record = !children[i].is_directory || children[i].directory.marker,
		                        .record = children[i].record,
		                        .directory = children[i].directory};
		object.record.value.size = children[i].value_size;
		object.key = object.record.key;
		bool shadowed = child_is_shadowed(readdir, children, i, count);
		enum name_role role = children[i].is_directory ? NAME_OF_DIRECTORY
		                      : shadowed               ? NAME_OF_SHADOWED_FILE
		                                               : NAME_OF_FILE;
		struct readdir_entry entry = {.segment = children[i].name, .role = role, .object = &object};
		if (!staged_add(readdir, &children[i].name) || !readdir_add_entry(readdir, &entry))
			return false;
	}
	return true;
}

static enum verdict readdir_fill(struct readdir *readdir)
{
	struct arena *arena = &readdir->call->scratch;
	struct kv_list_request request = {.prefix = readdir->object.key, .max = READDIR_PAGE};
	if (!readdir_add_dots(readdir))
		return VERDICT_GO;
	if (readdir->position >= LISTING_FIRST && !listing_child(readdir->listing, (size_t)readdir->position,
	                                                         &request.after_name, &request.after_is_directory))
		return VERDICT_STALE;
	request.after_name = arena_dup(arena, request.after_name);
	staged_collect(readdir, request.after_name);
	for (;;) {
		struct kv_child *children = NULL;
		size_t count = 0;
		enum err err = kv_list(readdir->view, &request, arena, &children, &count);
		if (err != ERR_OK && err != ERR_NOT_FOUND)
			return VERDICT_UNREADABLE;
		if (!children_add(readdir, children, count))
			return VERDICT_GO;
		if (count < READDIR_PAGE)
			break;
		request.after_name = children[count - 1].name;
		request.after_is_directory = children[count - 1].is_directory;
	}
	staged_add(readdir, NULL);
	return VERDICT_GO;
}

static enum verdict readdir_do(struct call *call, struct kv_view *view, enum op_readdir_kind kind)
{
	struct readdir readdir = {.call = call, .view = view, .directory = call->nodes[0], .kind = kind};
	enum verdict verdict = fs_object(call->fs, view, call->nodes[0], &call->scratch, &readdir.object);
	if (verdict != VERDICT_GO)
		return verdict;
	readdir.listing = &call->handle->listing;
	readdir.position = call->offset;
	readdir.size = call->size < READDIR_BYTES_MAX ? call->size : READDIR_BYTES_MAX;
	readdir.buffer = arena_take(&call->scratch, readdir.size);
	/* An entry has at least 24 bytes (fuse.h: struct fuse_dirent). */
	readdir.counted = arena_zero(&call->scratch, readdir.size / 24 + 1, sizeof(uint64_t));
	pthread_mutex_lock(&readdir.listing->mutex);
	if (call->offset == LISTING_START)
		listing_rewind(readdir.listing);
	verdict = readdir_fill(&readdir);
	pthread_mutex_unlock(&readdir.listing->mutex);
	staged_drop(&readdir);
	call->data = bytes_of(readdir.buffer, readdir.used);
	call->extra = bytes_of(readdir.counted, readdir.counted_count * sizeof(uint64_t));
	return verdict;
}

static void readdir_forget(struct call *call)
{
	const uint64_t *counted = (const void *)call->extra.data;
	for (size_t i = 0; i < call->extra.size / sizeof(uint64_t); i++)
		node_forget(call->fs->nodes, counted[i], 1);
	call->extra = BYTES_NONE;
}

static enum verdict readdir_names_look(struct call *call, struct kv_view *view)
{
	return readdir_do(call, view, OP_READDIR_NAMES);
}

static enum verdict readdir_plus_look(struct call *call, struct kv_view *view)
{
	return readdir_do(call, view, OP_READDIR_PLUS);
}

static void readdir_finish(struct call *call, int error)
{
	if (error != 0) {
		fuse_reply_err(call->req, error);
		return;
	}
	if (fuse_reply_buf(call->req, (const char *)call->data.data, call->data.size) == 0)
		call->extra = BYTES_NONE;
}

/* What was counted as looked up, and the kernel was not told. */
static void readdir_end(struct call *call, int error)
{
	(void)error;
	readdir_forget(call);
}

static const struct call_kind readdir_kinds[2][2] = {
    {{.name = "readdir", .need = CALL_READS, .look = readdir_names_look, .finish = readdir_finish, .end = readdir_end},
     {.name = "readdirplus",
      .need = CALL_READS,
      .look = readdir_plus_look,
      .finish = readdir_finish,
      .end = readdir_end}},
    {{.name = "readdir",
      .need = CALL_READS_HERE,
      .look = readdir_names_look,
      .finish = readdir_finish,
      .end = readdir_end},
     {.name = "readdirplus",
      .need = CALL_READS_HERE,
      .look = readdir_plus_look,
      .finish = readdir_finish,
      .end = readdir_end}},
};

static void readdir_run(fuse_req_t req, const struct op_readdir *asked, struct fuse_file_info *info)
{
	if (op_virtual_readdir(req, asked, info))
		return;
	const struct call_kind *kind = &readdir_kinds[asked->offset != LISTING_START][asked->kind];
	struct call *call = call_new(op_fs(req), req, kind);
	call->handle = handle_of(info);
	call->size = asked->size;
	call->offset = asked->offset;
	if (call_take_node(call, 0, asked->id))
		call_run(call);
}

void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	struct fs *fs = op_fs(req);
	bool without_node = op_is_virtual(id) || history_is(id);
	struct node *node = without_node ? NULL : node_find(fs->nodes, id);
	int error = history_is(id) ? op_history_may_list(req, id) : !node && !without_node ? ESTALE : 0;
	if (error != 0) {
		fuse_reply_err(req, error);
		return;
	}
	struct handle *handle = handle_new_directory(fs, node);
	node_unpin(fs->nodes, node);
	info->fh = (uintptr_t)handle;
	if (fuse_reply_open(req, info) != 0)
		handle_free(fs, handle);
}

void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	readdir_run(req, &(struct op_readdir){id, size, offset, OP_READDIR_NAMES}, info);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	readdir_run(req, &(struct op_readdir){id, size, offset, OP_READDIR_PLUS}, info);
}

void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	handle_free(op_fs(req), handle_of(info));
	fuse_reply_err(req, 0);
}

/* Each change of a directory was durable before it was answered. */
void op_fsyncdir(fuse_req_t req, fuse_ino_t id, int only_data, struct fuse_file_info *info)
{
	fuse_reply_err(req, 0);
}
