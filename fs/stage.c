/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/stage.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "fs/call.h"
#include "fs/warden.h"
#include "fs/mode.h"

struct stage *stage_of(struct fs *fs, struct node *node)
{
	struct stage *stage = node_get_stage(fs->nodes, node);
	if (stage)
		return stage;
	stage = memory_new(sizeof *stage);
	stage->fs = fs;
	stage->node = node;
	stage->waiters_end = &stage->waiters;
	pthread_mutex_init(&stage->mutex, NULL);
	draft_init(&stage->draft, BYTES_NONE);
	struct stage *there = node_offer_stage(fs->nodes, node, stage);
	if (there != stage)
		stage_free(stage);
	return there;
}

void stage_free(struct stage *stage)
{
	check(!stage->waiters);
	draft_fini(&stage->draft);
	free((void *)stage->attr.xattrs.data);
	free((void *)stage->lost_key.data);
	pthread_mutex_destroy(&stage->mutex);
	free(stage);
}

static void stage_set_attributes(struct stage *stage, const struct attr *attr)
{
	free((void *)stage->attr.xattrs.data);
	stage->attr = *attr;
	if (attr->xattrs.size != 0)
		stage->attr.xattrs.data = memory_dup(attr->xattrs.data, attr->xattrs.size);
	else
		stage->attr.xattrs = BYTES_NONE;
}

static bool stage_may_move(enum stage_state from, enum stage_state to)
{
	static const unsigned allowed[] = {
	    [STAGE_EMPTY] = 1u << STAGE_LOADED | 1u << STAGE_ORPHAN | 1u << STAGE_DIRTY,
	    [STAGE_LOADED] = 1u << STAGE_LOADED | 1u << STAGE_EMPTY | 1u << STAGE_DIRTY | 1u << STAGE_ORPHAN,
	    [STAGE_DIRTY] = 1u << STAGE_DIRTY | 1u << STAGE_COMMITTING | 1u << STAGE_ORPHAN | 1u << STAGE_EMPTY,
	    [STAGE_COMMITTING] = 1u << STAGE_LOADED | 1u << STAGE_DIRTY | 1u << STAGE_EMPTY | 1u << STAGE_ORPHAN,
	    [STAGE_ORPHAN] = 1u << STAGE_ORPHAN | 1u << STAGE_EMPTY,
	};
	return allowed[from] >> to & 1u;
}

void stage_move(struct stage *stage, enum stage_state to)
{
	check(stage_may_move(stage->state, to));
	stage->state = to;
	if (to == STAGE_EMPTY) {
		draft_fini(&stage->draft);
		stage->content_revision = 0;
	}
	if (to == STAGE_EMPTY || to == STAGE_LOADED) {
		draft_settle(&stage->draft);
		stage->attr_set = 0;
		stage->created = stage->wrote = stage->refused = stage->told = false;
	}
}

void stage_open(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	stage->handles++;
	pthread_mutex_unlock(&stage->mutex);
}

void stage_close(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	check(stage->handles > 0);
	bool last = --stage->handles == 0, drops = last && stage->state == STAGE_DIRTY && stage->told;
	bool unmakes = drops && stage->created;
	if (last && (drops || stage->state == STAGE_LOADED))
		stage_move(stage, STAGE_EMPTY);
	if (last)
		stage->failure = 0;
	pthread_mutex_unlock(&stage->mutex);
	if (unmakes)
		node_bury(stage->fs->nodes, stage->node);
}

void stage_begin_writing(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	stage->writers++;
	pthread_mutex_unlock(&stage->mutex);
}

void stage_end_writing(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	check(stage->writers > 0);
	stage->writers--;
	pthread_mutex_unlock(&stage->mutex);
}

/* ---- content ---- */

/* What is loaded is the newest that the node has seen. */
static bool stage_is_current(const struct stage *stage)
{
	struct arena arena;
	arena_init(&arena);
	int64_t newest = node_look(stage->fs->nodes, stage->node, &arena).revision;
	arena_fini(&arena);
	return stage->content_revision >= newest;
}

enum verdict stage_load(struct stage *stage, struct kv_view *view, struct arena *arena)
{
	struct object object;
	struct attr attr;
	enum verdict verdict = fs_object(stage->fs, view, stage->node, arena, &object);
	if (verdict != VERDICT_GO)
		return verdict;
	if (object.is_directory)
		return VERDICT_IS_DIRECTORY;
	if (object_attr(&object, &attr) != ERR_OK)
		return VERDICT_UNREADABLE;
	node_saw(stage->fs->nodes, stage->node, object.record.mod_revision);
	pthread_mutex_lock(&stage->mutex);
	bool wanted = stage->state == STAGE_EMPTY ||
	              (stage->state == STAGE_LOADED && stage->content_revision < object.record.mod_revision);
	if (wanted) {
		draft_fini(&stage->draft);
		draft_init(&stage->draft, object.record.value);
		stage_set_attributes(stage, &attr);
		stage->content_revision = object.record.mod_revision;
		stage_move(stage, STAGE_LOADED);
	}
	/* A change that came after the view was opened: asking the same view again would never end. */
	bool current = stage->state != STAGE_LOADED || stage_is_current(stage);
	pthread_mutex_unlock(&stage->mutex);
	return current ? VERDICT_GO : VERDICT_AGAIN;
}

void stage_create(struct stage *stage, const struct attr *attr, int32_t writer)
{
	pthread_mutex_lock(&stage->mutex);
	check(stage->state == STAGE_EMPTY);
	stage_set_attributes(stage, attr);
	stage->created = true;
	stage->writer = writer;
	stage->written_ns = clock_steady_ns();
	stage_move(stage, STAGE_DIRTY);
	pthread_mutex_unlock(&stage->mutex);
	warden_add(stage->fs->warden, stage);
}

/* Whether it can be changed now. */
static enum stage_answer stage_ask(struct stage *stage, struct call *call)
{
	switch (stage->state) {
	case STAGE_EMPTY:
		return STAGE_LOAD;
	case STAGE_LOADED:
		return stage_is_current(stage) ? STAGE_DONE : STAGE_LOAD;
	case STAGE_COMMITTING:
		call_arm(call);
		call->next_waiter = NULL;
		*stage->waiters_end = call;
		stage->waiters_end = &call->next_waiter;
		return STAGE_WAIT;
	case STAGE_DIRTY:
	case STAGE_ORPHAN:
		return STAGE_DONE;
	}
	return STAGE_LOAD;
}

static void stage_touch(struct stage *stage)
{
	int64_t now_ns = fs_now_ns(stage->fs);
	stage->attr.mtime_ns = stage->attr.ctime_ns = now_ns;
	stage->attr_set &= ~FUSE_SET_ATTR_MTIME;
	stage->told = false;
	stage->written_ns = clock_steady_ns();
	if (stage->state == STAGE_LOADED)
		stage_move(stage, STAGE_DIRTY);
}

static enum stage_answer stage_changed(struct stage *stage, enum stage_answer answer)
{
	bool dirty = stage->state == STAGE_DIRTY;
	pthread_mutex_unlock(&stage->mutex);
	if (dirty && answer == STAGE_DONE)
		warden_add(stage->fs->warden, stage);
	return answer;
}

enum stage_answer stage_write(struct stage *stage, const struct stage_write *write, struct call *call)
{
	size_t max = stage->fs->options.file_bytes_max;
	pthread_mutex_lock(&stage->mutex);
	enum stage_answer answer = stage_ask(stage, call);
	size_t offset = write->append ? stage->draft.size : write->offset;
	if (answer == STAGE_DONE && (offset > max || write->data.size > max - offset))
		answer = STAGE_TOO_LARGE;
	if (answer == STAGE_TOO_LARGE)
		stage->refused = true;
	if (answer == STAGE_DONE) {
		if (write->append)
			draft_append(&stage->draft, write->data);
		else
			draft_write(&stage->draft, offset, write->data);
		uint32_t mode = mode_after_write(stage->attr.mode);
		if (mode != stage->attr.mode)
			stage->attr_set |= FUSE_SET_ATTR_MODE;
		stage->attr.mode = mode;
		stage->wrote = true;
		stage->writer = write->writer;
		stage_touch(stage);
	}
	return stage_changed(stage, answer);
}

enum stage_answer stage_resize(struct stage *stage, size_t size, struct call *call)
{
	pthread_mutex_lock(&stage->mutex);
	enum stage_answer answer = stage_ask(stage, call);
	if (answer == STAGE_DONE && size > stage->fs->options.file_bytes_max)
		answer = STAGE_TOO_LARGE;
	if (answer == STAGE_DONE) {
		draft_resize(&stage->draft, size);
		stage->lost_size = size;
		stage->refused = stage->refused && size != 0;
		stage_touch(stage);
	}
	return stage_changed(stage, answer);
}

enum stage_answer stage_set_attr(struct stage *stage, const struct stat *asked, int to_set, struct call *call)
{
	pthread_mutex_lock(&stage->mutex);
	enum stage_answer answer = stage_ask(stage, call);
	if (answer == STAGE_DONE) {
		mode_set_attr(&stage->attr, asked, to_set, fs_now_ns(stage->fs));
		stage->attr_set |= to_set;
		stage->wrote = true;
		stage->told = false;
		stage->written_ns = clock_steady_ns();
		if (stage->state == STAGE_LOADED)
			stage_move(stage, STAGE_DIRTY);
	}
	return stage_changed(stage, answer);
}

enum stage_answer stage_read(struct stage *stage, size_t offset, size_t size, struct arena *arena,
                             struct bytes *ret_data)
{
	struct node_look look = node_look(stage->fs->nodes, stage->node, arena);
	pthread_mutex_lock(&stage->mutex);
	bool current =
	    stage->state != STAGE_EMPTY && (stage->state != STAGE_LOADED || stage->content_revision >= look.revision);
	if (current) {
		struct bytes content = draft_content(&stage->draft);
		size_t start = offset < content.size ? offset : content.size;
		size_t rest = content.size - start;
		*ret_data = arena_dup(arena, bytes_of(content.data + start, rest < size ? rest : size));
		if (stage->state != STAGE_LOADED)
			stage->pages_revision = -1;
		else if (stage->pages_revision != stage->content_revision)
			stage->pages_revision = stage->pages_revision == 0 ? stage->content_revision : -1;
	}
	pthread_mutex_unlock(&stage->mutex);
	return current ? STAGE_DONE : STAGE_LOAD;
}

void stage_paged(struct stage *stage, int64_t revision)
{
	pthread_mutex_lock(&stage->mutex);
	if (stage->pages_revision != revision)
		stage->pages_revision = stage->pages_revision == 0 ? revision : -1;
	pthread_mutex_unlock(&stage->mutex);
}

bool stage_keeps_pages(struct stage *stage, int64_t revision)
{
	pthread_mutex_lock(&stage->mutex);
	bool keeps = stage->state <= STAGE_LOADED && stage->pages_revision == revision;
	if (!keeps)
		stage->pages_revision = stage->state <= STAGE_LOADED ? 0 : -1;
	pthread_mutex_unlock(&stage->mutex);
	return keeps;
}

/* ---- looking ---- */

bool stage_stat(struct stage *stage, struct stat *stat)
{
	pthread_mutex_lock(&stage->mutex);
	bool shows = stage->state >= STAGE_DIRTY;
	if (shows)
		*stat = attr_stat(&stage->attr, stat->st_ino, stage->lost ? stage->lost_size : stage->draft.size);
	if (shows && stage->state == STAGE_ORPHAN)
		stat->st_nlink = 0;
	pthread_mutex_unlock(&stage->mutex);
	return shows;
}

bool stage_is_dirty(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	bool dirty = stage->state == STAGE_DIRTY || stage->state == STAGE_COMMITTING;
	pthread_mutex_unlock(&stage->mutex);
	return dirty;
}

bool stage_wants_commit(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	bool wants = stage->state == STAGE_COMMITTING || (stage->state == STAGE_DIRTY && !stage->told);
	pthread_mutex_unlock(&stage->mutex);
	return wants;
}

int stage_take_failure(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	int failure = stage->failure;
	stage->failure = 0;
	pthread_mutex_unlock(&stage->mutex);
	return failure;
}

bool stage_is_orphan(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	bool orphan = stage->state == STAGE_ORPHAN;
	pthread_mutex_unlock(&stage->mutex);
	return orphan;
}

bool stage_is_lost(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	bool lost = stage->state == STAGE_ORPHAN && stage->lost;
	pthread_mutex_unlock(&stage->mutex);
	return lost;
}

bool stage_is_written_by(struct stage *stage, int32_t writer)
{
	pthread_mutex_lock(&stage->mutex);
	bool is = stage->state == STAGE_DIRTY && stage->writer == writer;
	pthread_mutex_unlock(&stage->mutex);
	return is;
}

bool stage_has_writes(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	bool has = stage->state == STAGE_COMMITTING || (stage->state == STAGE_DIRTY && stage->wrote);
	pthread_mutex_unlock(&stage->mutex);
	return has;
}

bool stage_is_idle(struct stage *stage, uint64_t now_ns)
{
	pthread_mutex_lock(&stage->mutex);
	uint64_t idle_ms = stage->wrote ? STAGE_IDLE_MS : STAGE_IDLE_UNWRITTEN_MS;
	bool idle = now_ns >= stage->written_ns + idle_ms * CLOCK_NS_PER_MS;
	pthread_mutex_unlock(&stage->mutex);
	return idle;
}

/* Nobody has it open, so the content is not kept: only where it was. */
static void stage_lose(struct stage *stage, const struct kv_record *last)
{
	stage->lost = true;
	if (!last)
		return;
	free((void *)stage->lost_key.data);
	stage->lost_key = bytes_of(memory_dup(last->key.data, last->key.size), last->key.size);
	stage->lost_revision = last->mod_revision;
	stage->lost_size = last->value.size;
}

void stage_orphan(struct stage *stage, const struct kv_record *last)
{
	struct attr attr;
	pthread_mutex_lock(&stage->mutex);
	bool is_old = stage->state <= STAGE_LOADED && !(last && last->mod_revision == stage->content_revision);
	if (is_old) {
		draft_fini(&stage->draft);
		draft_init(&stage->draft, last && stage->handles != 0 ? last->value : BYTES_NONE);
		if (!last || stage->handles == 0)
			stage_lose(stage, last);
	}
	if (is_old && last && attr_of_file(last, &attr) == ERR_OK)
		stage_set_attributes(stage, &attr);
	/* A commit that is under way will find out. */
	if (stage->state != STAGE_COMMITTING)
		stage_move(stage, STAGE_ORPHAN);
	pthread_mutex_unlock(&stage->mutex);
}

enum verdict stage_recover(struct stage *stage, struct kv_view *view, struct arena *arena)
{
	struct kv_record record;
	pthread_mutex_lock(&stage->mutex);
	bool lost = stage->state == STAGE_ORPHAN && stage->lost;
	struct bytes key = arena_dup(arena, stage->lost_key);
	int64_t revision = stage->lost_revision;
	pthread_mutex_unlock(&stage->mutex);
	if (!lost)
		return VERDICT_GO;
	if (key.size == 0 || kv_get_at(view, key, revision, arena, &record) != ERR_OK)
		return VERDICT_STALE;
	pthread_mutex_lock(&stage->mutex);
	if (stage->state == STAGE_ORPHAN && stage->lost) {
		draft_fini(&stage->draft);
		draft_init(&stage->draft, record.value);
		stage->lost = false;
	}
	pthread_mutex_unlock(&stage->mutex);
	return VERDICT_GO;
}

void stage_revive(struct stage *stage)
{
	pthread_mutex_lock(&stage->mutex);
	if (stage->state == STAGE_ORPHAN)
		stage_move(stage, STAGE_EMPTY);
	stage->lost = false;
	pthread_mutex_unlock(&stage->mutex);
}
