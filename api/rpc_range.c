/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A range is read from a view that it pins, a piece at a time, and the loop goes on after every piece. A stream sends each piece as
 * it comes, and reads the next one when its client has fetched what there was: it costs two pieces, whatever it is a range of. The answer of
 * Range is gathered whole; all of them together have a bound, over which they are refused.
 *
 * Better than etcd's: what is compacted in the middle of a stream stays readable for it, and filters are streamed, too.
 */
#include "api/rpc_range.h"

#include <stdlib.h>

#include "api/range_counts.h"
#include "api/rpc_answer.h"
#include "base/buffer.h"
#include "base/limits.h"
#include "base/memory.h"

struct range {
	struct reactor_task task;
	bool posted;
	struct rpc_call *call; /* NULL: it has ended */
	struct kv_reading *reading;
	int64_t revision;   /* of the view */
	struct buffer last; /* where the next page begins: behind the key that was read last */
	int64_t given;
	struct kv_response response; /* of Range: so far */
	size_t held_bytes;           /* of the bound */
};

static void range_free(struct range *range)
{
	kv_reading_free(range->reading);
	buffer_fini(&range->last);
	free(range);
}

static void range_post(struct range *range)
{
	range->posted = true;
	reactor_post(range->call->service->reactor, &range->task);
}

/* Of what is left behind it is told, and it is the beginning of what is there. */
static bool range_is_page(const struct kv_range_request *request)
{
	bool filters = request->min_mod_revision != 0 || request->max_mod_revision != 0 ||
	               request->min_create_revision != 0 || request->max_create_revision != 0;
	return request->limit > 0 && !request->count_only && !filters && !kv_range_sorts(request);
}

static int64_t range_read_at(const struct range *range, const struct kv_range_request *request)
{
	return request->revision > 0 ? request->revision : range->revision;
}

/* What was read last is kept in mind: the next page begins behind it. */
static void range_note_piece(struct range *range, const struct kv_response *response)
{
	size_t count = response->record_count;
	if (count == 0)
		return;
	buffer_clear(&range->last);
	buffer_put(&range->last, response->records[count - 1].key);
	buffer_put_u8(&range->last, 0); /* its successor */
	range->given += (int64_t)count;
}

static void range_note_end(struct range *range, const struct kv_response *response)
{
	const struct kv_range_request request = rpc_range_of((Etcdserverpb__RangeRequest *)range->call->request);
	if (range_is_page(&request) && response->more && range->given > 0)
		range_counts_note(range->call->service->range_counts, buffer_bytes(&range->last), request.range.end,
		                  range_read_at(range, &request), response->count - range->given);
}

/* False: it was refused, and is over. */
static bool range_open(struct rpc_call *call, void (*run)(struct reactor_task *task), struct range **ret_range)
{
	struct kv_range_request request = rpc_range_of((Etcdserverpb__RangeRequest *)call->request);
	struct range *range = memory_new(sizeof *range);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	range->task.run = run;
	range->call = call;
	range->revision = kv_view_revision(view);
	buffer_init(&range->last, LIMIT_KEY_BYTES + 1);
	if (range_is_page(&request))
		request.known_count = range_counts_find(call->service->range_counts, request.range.start,
		                                        request.range.end, range_read_at(range, &request));
	enum err err = kv_reading_new(view, &request, &range->reading);
	if (err != ERR_OK) {
		kv_view_close(view);
		free(range);
		rpc_fail(call, err);
		return false;
	}
	call->state = range;
	*ret_range = range;
	return true;
}

void range_ended(struct rpc_call *call)
{
	struct range *range = call->state;
	if (range == NULL)
		return;
	rpc_gathered(call, range->held_bytes);
	range->call = NULL;
	if (!range->posted)
		range_free(range);
}

/* What is refused by its fields is over. */
static bool range_passes(struct rpc_call *call)
{
	struct rpc_status status = rpc_check_range((Etcdserverpb__RangeRequest *)call->request);
	if (status.message != NULL)
		rpc_finish(call, status.code, status.message);
	return status.message == NULL;
}

static void range_wait(struct rpc_call *call, void (*then)(struct rpc_call *call, enum err err))
{
	if (((const Etcdserverpb__RangeRequest *)call->request)->serializable)
		then(call, ERR_OK);
	else
		rpc_barrier(call, then);
}

/* ---- Range ---- */

static void range_answer(struct rpc_call *call, const struct kv_response *response, int64_t revision)
{
	Etcdserverpb__RangeResponse *answer = rpc_range_answer(response, &call->arena);
	answer->header = rpc_header(call, revision);
	rpc_reply(call, &answer->base);
}

static void range_gather(struct range *range)
{
	struct rpc_call *call = range->call;
	size_t before = arena_size_bytes(&call->arena);
	bool done = false;
	enum err err = kv_reading_step(range->reading, RANGE_PIECE_BYTES, &call->arena, &range->response, &done);
	if (err == ERR_OK && done) {
		range_note_piece(range, &range->response);
		range_note_end(range, &range->response);
	}
	if (err != ERR_OK)
		rpc_fail(call, err);
	else if (!rpc_gathers(call, &range->held_bytes, arena_size_bytes(&call->arena) - before))
		return;
	else if (done)
		range_answer(call, &range->response, range->revision);
	else
		range_post(range);
}

static void range_gather_run(struct reactor_task *task)
{
	struct range *range = (struct range *)task;
	range->posted = false;
	if (range->call == NULL)
		range_free(range);
	else
		range_gather(range);
}

/* One key is read at once. */
static void range_read_one(struct rpc_call *call, const struct kv_range_request *request)
{
	struct kv_response response = {0};
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	enum err err = kv_range(view, request, &call->arena, &response);
	kv_view_close(view);
	if (err == ERR_OK)
		range_answer(call, &response, revision);
	else
		rpc_fail(call, err);
}

static void range_read(struct rpc_call *call, enum err err)
{
	const struct kv_range_request request = rpc_range_of((Etcdserverpb__RangeRequest *)call->request);
	struct range *range = NULL;
	if (err != ERR_OK)
		rpc_fail(call, err);
	else if (request.range.end.size == 0)
		range_read_one(call, &request);
	else if (range_open(call, range_gather_run, &range))
		range_gather(range);
}

void range_begin(struct rpc_call *call)
{
	if (range_passes(call))
		range_wait(call, range_read);
}

/* ---- RangeStream ---- */

/* The last piece has the header, the number and whether there is more, also if it has no records. */
static enum err range_send(struct range *range, const struct kv_response *response, bool done, struct arena *arena)
{
	Etcdserverpb__RangeStreamResponse message = ETCDSERVERPB__RANGE_STREAM_RESPONSE__INIT;
	if (response->record_count == 0 && !done)
		return ERR_OK;
	message.range_response = rpc_range_answer(response, arena);
	if (done)
		message.range_response->header = rpc_header(range->call, range->revision);
	return rpc_send(range->call, &message.base);
}

static void range_stream_go(struct range *range)
{
	struct rpc_call *call = range->call;
	AUTO_ARENA struct arena arena;
	struct kv_response response = {0};
	bool done = false;
	arena_init(&arena);
	if (!rpc_has_room(call))
		return; /* range_stream_drained() goes on */
	enum err err = kv_reading_step(range->reading, RANGE_PIECE_BYTES, &arena, &response, &done);
	if (err == ERR_OK) {
		range_note_piece(range, &response);
		if (done)
			range_note_end(range, &response);
		err = range_send(range, &response, done, &arena);
	}
	if (err != ERR_OK)
		rpc_fail(call, err);
	else if (done)
		rpc_finish(call, RPC_OK, "");
	else
		range_post(range);
}

static void range_stream_run(struct reactor_task *task)
{
	struct range *range = (struct range *)task;
	range->posted = false;
	if (range->call == NULL)
		range_free(range);
	else
		range_stream_go(range);
}

void range_stream_drained(struct rpc_call *call)
{
	struct range *range = call->state;
	if (range != NULL && !range->posted)
		range_post(range);
}

static void range_stream_read(struct rpc_call *call, enum err err)
{
	struct range *range = NULL;
	if (err != ERR_OK)
		rpc_fail(call, err);
	else if (range_open(call, range_stream_run, &range))
		range_stream_go(range);
}

/* What must be sorted must be there as a whole: etcd does not stream it either, and its clients then ask for a Range. */
void range_stream_begin(struct rpc_call *call)
{
	if (!range_passes(call))
		return;
	const struct kv_range_request request = rpc_range_of((Etcdserverpb__RangeRequest *)call->request);
	if (kv_range_sorts(&request))
		rpc_finish(call, RPC_UNIMPLEMENTED,
		           "etcdserver: a range in another order than that of its keys is not streamed");
	else
		range_wait(call, range_stream_read);
}
