/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/call.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "fs/warden.h"
#include "fs/rim.h"
#include "fs/settle.h"

static uint64_t call_timeout_ms(const struct call *call)
{
	struct fs *fs = call->fs;
	enum call_need need = call->kind->need;
	if (need == CALL_CHANGES)
		return fs->options.write_timeout_ms;
	uint64_t timeout_ms = fs->options.read_timeout_ms;
	if (need == CALL_READS_ROOT && timeout_ms > CALL_ROOT_MS)
		timeout_ms = CALL_ROOT_MS;
	bool again = atomic_load(&fs->failed_thread) == call->thread &&
	             clock_steady_ns() < atomic_load(&fs->failed_ns) + CALL_FAILED_MS * CLOCK_NS_PER_MS;
	return again && timeout_ms > CALL_FAILED_WAIT_MS ? CALL_FAILED_WAIT_MS : timeout_ms;
}

struct call *call_new(struct fs *fs, fuse_req_t req, const struct call_kind *kind)
{
	struct call *call = memory_new(sizeof *call);
	call->fs = fs;
	call->req = req;
	call->kind = kind;
	call->thread = req ? fuse_req_ctx(req)->pid : 0;
	atomic_store(&call->references, 1);
	arena_init(&call->arena);
	arena_init(&call->scratch);
	call->fresh = kind->need == CALL_READS_HERE || fs_is_local(fs);
	call->deadline_ns = clock_steady_ns() + call_timeout_ms(call) * CLOCK_NS_PER_MS;
	atomic_fetch_add(&fs->calls, 1);
	return call;
}

static void call_unref(struct call *call)
{
	if (atomic_fetch_sub(&call->references, 1) != 1)
		return;
	struct fs *fs = call->fs;
	for (size_t i = 0; i < CALL_NODES_MAX; i++)
		node_unpin(fs->nodes, call->nodes[i]);
	for (size_t i = 0; i < 2; i++)
		if (call->parked[i] != 0)
			replay_unpark(fs->replay, call->parked[i]);
	arena_fini(&call->scratch);
	arena_fini(&call->arena);
	free(call);
	atomic_fetch_sub(&fs->calls, 1);
}

bool call_move(struct call *call, enum call_state from, enum call_state to)
{
	int expected = from;
	return atomic_compare_exchange_strong(&call->state, &expected, to);
}

void call_park(struct call *call, size_t at, fuse_ino_t directory)
{
	call->parked[at] = directory;
	replay_park(call->fs->replay, directory);
}

/* ---- ending ---- */

void call_finish(struct call *call, int error)
{
	bool answers = call_move(call, CALL_WAITING, CALL_ANSWERED) || call_move(call, CALL_COMMITTED, CALL_ANSWERED);
	if (answers) {
		if (call->armed)
			fuse_req_interrupt_func(call->req, NULL, NULL);
		call->kind->finish(call, error);
	}
	if (call->kind->end)
		call->kind->end(call, error);
	call_unref(call);
}

bool call_take_node(struct call *call, size_t at, fuse_ino_t id)
{
	call->nodes[at] = node_find(call->fs->nodes, id);
	if (call->nodes[at])
		return true;
	fuse_reply_err(call->req, ESTALE);
	call_unref(call);
	return false;
}

static bool call_interrupt_move(struct call *call, enum call_interrupt from, enum call_interrupt to)
{
	int expected = from;
	return atomic_compare_exchange_strong(&call->interrupt, &expected, to);
}

static void call_tell_warden(struct call *call)
{
	atomic_fetch_add(&call->references, 1);
	warden_cancel(call->fs->warden, call);
}

/* The library's lock stands between who arms a call and who interrupts it; this says so in the language's own terms. */
static atomic_uint call_armings;

/* Called by libfuse with the request's lock held: it only tells the warden. */
static void call_interrupted(fuse_req_t req, void *argument)
{
	(void)req;
	struct call *call = argument;
	(void)atomic_load_explicit(&call_armings, memory_order_acquire);
	if (call_interrupt_move(call, CALL_ARMING, CALL_INTERRUPTED))
		return; /* call_arm() will tell */
	if (call_interrupt_move(call, CALL_ARMED, CALL_INTERRUPTED))
		call_tell_warden(call);
}

/* A request that was interrupted already is answered only after libfuse has let go of its lock: the answer frees both. */
void call_arm(struct call *call)
{
	if (!call->req || call->armed)
		return;
	call->armed = true;
	atomic_fetch_add_explicit(&call_armings, 1, memory_order_release);
	fuse_req_interrupt_func(call->req, call_interrupted, call);
	if (!call_interrupt_move(call, CALL_ARMING, CALL_ARMED))
		call_tell_warden(call);
}

void call_cancel(struct call *call)
{
	if (call_move(call, CALL_WAITING, CALL_CANCELED))
		fuse_reply_err(call->req, EINTR);
	call_unref(call);
}

static bool call_is_canceled(struct call *call)
{
	return atomic_load(&call->state) == CALL_CANCELED;
}

/* ---- going on ---- */

static void call_propose(struct call *call);
static void call_wait_for_barrier(struct call *call);

static enum verdict call_look_once(struct call *call)
{
	struct kv_view *view = fs_view(call->fs);
	arena_reset(&call->scratch);
	enum verdict verdict;
	if (call->kind->plan) {
		plan_init(call->plan, &call->scratch);
		verdict = call->kind->plan(call, view, call->plan);
	} else {
		verdict = call->kind->look(call, view);
	}
	kv_view_close(view);
	return verdict;
}

static enum verdict call_look(struct call *call)
{
	enum verdict verdict = call_look_once(call);
	for (unsigned looks = 1; looks < CALL_LOOKS_MAX && verdict == VERDICT_AGAIN; looks++)
		verdict = call_look_once(call);
	return verdict;
}

void call_work(struct call *call)
{
	bool plans = call->kind->plan != NULL;
	if (plans && !call->plan)
		call->plan = arena_take(&call->arena, sizeof *call->plan);
	enum verdict verdict = call_look(call);
	if (verdict == VERDICT_WAIT)
		return;
	if (plans && verdict == VERDICT_GO)
		call_propose(call);
	else if (plans && !call->fresh)
		/* A refusal must not come from an old state; a plan may, for its guards are tested when it is applied. */
		call_wait_for_barrier(call);
	else
		call_finish(call, verdict_errno(verdict));
}

static void call_ready(void *argument, enum err err)
{
	struct call *call = argument;
	if (err == ERR_TIMEOUT && call->kind->need == CALL_READS && !call_is_canceled(call)) {
		atomic_store(&call->fs->failed_thread, call->thread);
		atomic_store(&call->fs->failed_ns, clock_steady_ns());
	}
	if (call->kind->need == CALL_READS_ROOT)
		err = ERR_OK;
	if (err != ERR_OK || call_is_canceled(call)) {
		call_finish(call, call->kind->plan ? rim_errno_of_write(err) : rim_errno_of_read(err));
		return;
	}
	call->fresh = true;
	call_work(call);
}

static void call_wait_for_barrier(struct call *call)
{
	bool pending = false;
	call_arm(call);
	enum err err = replica_barrier(call->fs->replica, call->deadline_ns, call_ready, call, &pending);
	if (err != ERR_OK || !pending)
		call_ready(call, err);
}

void call_run(struct call *call)
{
	if (call_is_canceled(call)) {
		call_finish(call, EINTR);
		return;
	}
	if (call->kind->settles != CALL_SETTLES_NOTHING && settle_waits(call))
		return;
	if (call->kind->plan || call->fresh)
		call_work(call);
	else
		call_wait_for_barrier(call);
}

void call_again(struct call *call, int error)
{
	(void)error;
	call_run(call);
}

static int call_proposal_errno(enum err err, const struct kv_result *result)
{
	return rim_errno_of_write(err != ERR_OK ? err : result->err);
}

static void call_proposed(void *argument, enum err err, struct kv_result *result)
{
	struct call *call = argument;
	own_remove(&call->fs->own, call->op);
	bool failed = err != ERR_OK || result->err != ERR_OK, succeeded = !failed && result->succeeded;
	int error = failed ? call_proposal_errno(err, result) : 0;
	if (succeeded)
		call->revision = result->revision;
	/* What a guard or the store refused was refused by a state that is applied here by now. */
	if (err == ERR_OK)
		call->fresh = true;
	bool changed_under_us = err == ERR_OK && (result->err == ERR_NOT_FOUND || (!failed && !succeeded));
	kv_result_free(result);
	if (!changed_under_us || call_is_canceled(call))
		call_finish(call, error);
	else if (++call->attempts < CALL_ATTEMPTS_MAX && clock_steady_ns() < call->deadline_ns)
		call_work(call);
	else
		call_finish(call, rim_errno_of_write(ERR_TIMEOUT));
}

static void call_propose(struct call *call)
{
	AUTO_BUFFER struct buffer note;
	buffer_init(&note, LIMIT_NOTE_BYTES);
	call->op = own_add(&call->fs->own, call);
	call->plan->note.mount = call->fs->nonce;
	call->plan->note.op = call->op;
	enum err err = note_encode(&call->plan->note, &note);
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = plan_txn(call->plan)};
	command.txn.note = buffer_bytes(&note);
	call_arm(call);
	if (err == ERR_OK)
		err = replica_propose(call->fs->replica, &command, call->deadline_ns, call_proposed, call);
	if (err == ERR_OK)
		return;
	own_remove(&call->fs->own, call->op);
	call_finish(call, rim_errno_of_write(err));
}
