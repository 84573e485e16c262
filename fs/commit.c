/* SPDX-License-Identifier: Apache-2.0 */
/* The commit of a stage: one transaction with the whole content, laid on whatever is there by then. */
#include <errno.h>

#include "base/check.h"
#include "base/log.h"
#include "fs/call.h"
#include "fs/warden.h"
#include "fs/stage.h"

/* What is committed has these of the stage, and the rest of what is there. */
static struct attr commit_attr(const struct stage *stage, const struct attr *there)
{
	struct attr attr = *there;
	attr.mtime_ns = stage->attr.mtime_ns;
	attr.ctime_ns = stage->attr.ctime_ns;
	if (stage->attr_set & FUSE_SET_ATTR_MODE)
		attr.mode = (attr.mode & S_IFMT) | (stage->attr.mode & ~(uint32_t)S_IFMT);
	if (stage->attr_set & FUSE_SET_ATTR_UID)
		attr.uid = stage->attr.uid;
	if (stage->attr_set & FUSE_SET_ATTR_GID)
		attr.gid = stage->attr.gid;
	if (stage->attr_set & FUSE_SET_ATTR_ATIME)
		attr.atime_ns = stage->attr.atime_ns;
	return attr;
}

/* What was only cut, by O_TRUNC or ftruncate(2), is a write too: it was opened for it, and will be closed. */
static enum note_kind commit_kind(const struct stage *stage)
{
	return draft_is_append(&stage->draft) ? NOTE_APPEND : NOTE_WRITE;
}

static enum verdict commit_plan_content(struct call *call, struct plan *plan, const struct object *object)
{
	struct stage *stage = call->stage;
	struct attr there;
	if (object_attr(object, &there) != ERR_OK)
		return VERDICT_UNREADABLE;
	if (!S_ISREG(there.mode))
		return VERDICT_STALE;
	struct attr attr = commit_attr(stage, &there);
	call->id = object_id(object);
	call->data = draft_content(&stage->draft);
	bool moved_on = object->record.mod_revision != stage->content_revision;
	if (draft_is_clean(&stage->draft) && !stage->created) {
		if (moved_on) /* then that content is what the stage has afterwards */
			call->data = arena_dup(&call->scratch, object->record.value);
		return plan_attr(plan, object, &attr);
	}
	if (moved_on)
		call->data = draft_lay(&stage->draft, object->record.value, &call->scratch);
	if (call->data.size > stage->fs->options.file_bytes_max)
		return VERDICT_TOO_LARGE;
	struct plan_content content = {.kind = commit_kind(stage), .value = call->data};
	content.attr = attr_encode(&attr, &call->scratch);
	return plan_content(plan, object, &content);
}

/* The name may have been taken meanwhile: opening with O_CREAT would have opened that file, so the content goes there. */
static enum verdict commit_plan_creation(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct stage *stage = call->stage;
	struct fs *fs = call->fs;
	struct node_look look = node_look(fs->nodes, stage->node, &call->scratch);
	struct node *parent = look.parent_id != 0 ? node_find(fs->nodes, look.parent_id) : NULL;
	if (!parent)
		return VERDICT_ABSENT;
	struct object directory;
	struct spot spot;
	enum verdict verdict = fs_object(fs, view, parent, &call->scratch, &directory);
	node_unpin(fs->nodes, parent);
	if (verdict != VERDICT_GO)
		return verdict == VERDICT_STALE ? VERDICT_ABSENT : verdict;
	struct name name = name_of_segment(look.segment, NAME_OF_FILE, look.id);
	verdict = spot_read(view, &directory, name.text, &call->scratch, &spot);
	if (verdict != VERDICT_GO)
		return verdict;
	if (spot.kind == SPOT_DIRECTORY)
		return VERDICT_IS_DIRECTORY;
	if (spot.kind == SPOT_FILE)
		return commit_plan_content(call, plan, &spot.object);
	call->id = look.record_id;
	call->data = draft_content(&stage->draft);
	struct plan_make make = {.kind = NOTE_CREATE, .id = call->id, .value = call->data};
	make.attr = attr_encode(&stage->attr, &call->scratch);
	return plan_make(plan, &spot, &make);
}

static enum verdict commit_plan(struct call *call, struct kv_view *view, struct plan *plan)
{
	struct stage *stage = call->stage;
	struct node_look look = node_look(call->fs->nodes, stage->node, &call->scratch);
	if (look.state == NODE_GONE)
		return VERDICT_DONE;
	if (stage->refused)
		return VERDICT_TOO_LARGE;
	if (look.state == NODE_STAGED)
		return commit_plan_creation(call, view, plan);
	struct object object;
	enum verdict verdict = fs_object(call->fs, view, stage->node, &call->scratch, &object);
	if (verdict == VERDICT_STALE) {
		/* The store does not have it any more: as if it had been unlinked while it is open. */
		node_bury(call->fs->nodes, stage->node);
		return VERDICT_DONE;
	}
	return verdict == VERDICT_GO ? commit_plan_content(call, plan, &object) : verdict;
}

/* ---- after it ---- */

static void commit_succeeded(struct call *call, struct stage *stage)
{
	bool merged = call->data.data != stage->draft.content;
	if (merged) {
		draft_fini(&stage->draft);
		draft_init(&stage->draft, call->data);
	}
	if (!merged && stage->pages_revision == stage->content_revision)
		stage->pages_revision = call->revision;
	else if (merged)
		stage->pages_revision = -1;
	stage->content_revision = call->revision;
	stage_move(stage, STAGE_LOADED);
}

/* By a close or an fsync, which tells how it went. */
static bool commit_is_awaited(const struct stage *stage)
{
	const struct call *waiter = stage->waiters;
	while (waiter && waiter->resume != stage_saved)
		waiter = waiter->next_waiter;
	return waiter != NULL;
}

static void commit_failed(struct call *call, struct stage *stage, int error)
{
	/* EIO: it may have happened. Nobody may write it again on top. */
	bool unknown = error == EIO, forgotten = stage->handles == 0, told = commit_is_awaited(stage);
	if (!unknown && !forgotten && !stage->refused) {
		stage->told = told;
		stage_move(stage, STAGE_DIRTY);
		return;
	}
	if (!told && !forgotten)
		stage->failure = error;
	struct arena arena;
	arena_init(&arena);
	struct node_look look = node_look(call->fs->nodes, stage->node, &arena);
	log_error("save_failed", "name=%.*s bytes=%zu error=%d (%s) lost=%s", (int)look.segment.size,
	          (const char *)look.segment.data, stage->draft.size, error, strerror(error),
	          unknown ? "perhaps" : "yes");
	arena_fini(&arena);
	stage_move(stage, STAGE_EMPTY);
}

static void commit_finish(struct call *call, int error)
{
	struct stage *stage = call->stage;
	struct fs *fs = call->fs;
	struct node_look look = node_look(fs->nodes, stage->node, &call->scratch);
	bool gone = look.state == NODE_GONE;
	if (error == 0 && !gone && call->revision == 0)
		error = ESTALE; /* it was gone when this was planned, and is back: nothing was committed */
	if (error == 0 && !gone)
		node_commit(fs->nodes, stage->node, call->id, call->revision);
	pthread_mutex_lock(&stage->mutex);
	check(stage->state == STAGE_COMMITTING);
	bool merged = error == 0 && !gone && call->data.data != stage->draft.content;
	if (gone)
		stage_move(stage, STAGE_ORPHAN);
	else if (error == 0)
		commit_succeeded(call, stage);
	else
		commit_failed(call, stage, error);
	bool lost = look.state == NODE_STAGED && stage->state == STAGE_EMPTY;
	if (stage->handles == 0 && stage->state == STAGE_LOADED)
		stage_move(stage, STAGE_EMPTY);
	struct call *waiters = stage->waiters;
	stage->waiters = NULL;
	stage->waiters_end = &stage->waiters;
	pthread_mutex_unlock(&stage->mutex);
	if (lost)
		node_bury(fs->nodes, stage->node);
	if (merged)
		replay_invalidate(fs->replay, look.id);
	warden_remove(fs->warden, stage);
	while (waiters) {
		struct call *next = waiters->next_waiter;
		waiters->resume(waiters, error);
		waiters = next;
	}
}

static const struct call_kind commit_kind_of_call = {
    .name = "commit", .need = CALL_CHANGES, .plan = commit_plan, .finish = commit_finish};

void stage_saved(struct call *call, int error)
{
	call_finish(call, error != 0 ? error : stage_take_failure(call->stage));
}

static void commit_begin(struct stage *stage)
{
	struct call *commit = call_new(stage->fs, NULL, &commit_kind_of_call);
	commit->stage = stage;
	commit->nodes[0] = node_pin(stage->fs->nodes, stage->node);
	call_run(commit);
}

void stage_commit_last(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	check(stage->writers > 0);
	bool is_last = --stage->writers == 0, starts = is_last && stage->state == STAGE_DIRTY && !stage->told;
	if (starts)
		stage_move(stage, STAGE_COMMITTING);
	pthread_mutex_unlock(&stage->mutex);
	if (starts)
		commit_begin(stage);
}

bool stage_commit(struct stage *stage, struct call *call)
{
	pthread_mutex_lock(&stage->mutex);
	bool starts = stage->state == STAGE_DIRTY && (call || !stage->told);
	bool waits = starts || stage->state == STAGE_COMMITTING;
	if (starts)
		stage_move(stage, STAGE_COMMITTING);
	if (waits && call) {
		call_arm(call);
		call->next_waiter = NULL;
		*stage->waiters_end = call;
		stage->waiters_end = &call->next_waiter;
	}
	pthread_mutex_unlock(&stage->mutex);
	if (starts)
		commit_begin(stage);
	return waits;
}
