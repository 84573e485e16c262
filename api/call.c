/* SPDX-License-Identifier: Apache-2.0 */
#include "api/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/watch.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/proto.h"

enum { CALL_PLANS_MAX = 16 /* while others are always first */ };

enum err call_fail(struct call *call, enum err err, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	call->detail = arena_dup_string(&call->arena, bytes_of_string(text));
	return err;
}

static void call_free(struct call *call)
{
	if (call->result != NULL)
		kv_result_free(call->result);
	arena_fini(&call->planning);
	arena_fini(&call->arena);
	free(call);
}

/* ---- answering ---- */

static enum err call_put_answer(struct call *call, const ProtobufCMessage *response, struct arena *arena,
                                Etcfs__Control__Answer *answer)
{
	if (response != NULL)
		answer->response = proto_data(control_pack(response, arena));
	return control_put_frame(connection_output(call->connection), &answer->base);
}

enum err call_send(struct call *call, const ProtobufCMessage *response, struct arena *arena)
{
	Etcfs__Control__Answer answer = ETCFS__CONTROL__ANSWER__INIT;
	return call_put_answer(call, response, arena, &answer);
}

static void call_answer(struct call *call, enum err err, const ProtobufCMessage *response)
{
	Etcfs__Control__Answer answer = ETCFS__CONTROL__ANSWER__INIT;
	answer.last = true;
	if (err == ERR_OK)
		err = call_put_answer(call, response, &call->arena, &answer);
	if (err != ERR_OK) {
		answer.response = (ProtobufCBinaryData){0};
		answer.error = (char *)err_name(err);
		answer.detail = (char *)(call->detail != NULL ? call->detail : "");
		if (control_put_frame(connection_output(call->connection), &answer.base) != ERR_OK)
			call->connection->finishing = true; /* not even that fits: the end is the answer */
	}
	struct connection *connection = call->connection;
	connection->state = NULL;
	call_free(call);
	connection_resume(connection);
}

void call_end(struct call *call, enum err err)
{
	call->watch = NULL;
	call_answer(call, err, NULL);
}

/* ---- planning ---- */

static void call_is_proposed(void *argument, enum err err, struct kv_result *result);

static bool call_must_plan(const struct call *call)
{
	if (call->method->kind != METHOD_PLAN || call->err != ERR_OK)
		return false;
	return call->result == NULL || (call->result->err == ERR_OK && !call->result->succeeded);
}

/* True: it was proposed, and goes on when that is applied. */
static bool call_plan(struct call *call)
{
	struct kv_command command = {0};
	if (call->result != NULL)
		kv_result_free(call->result);
	call->result = NULL;
	arena_reset(&call->planning);
	if (call->plans++ == CALL_PLANS_MAX)
		call->err = call_fail(call, ERR_CONFLICT, "others keep changing it: try again");
	else
		call->err = call->method->command(call, &command);
	if (call->err != ERR_OK || command.kind == 0)
		return false;
	call->err = replica_propose(call->service->replica, &command, call->deadline_ns, call_is_proposed, call);
	return call->err == ERR_OK;
}

/* ---- going on ---- */

/* What the call waited for has come, or it needed to wait for nothing. */
static void call_go_on(struct call *call)
{
	if (call->connection == NULL) {
		call_free(call);
		return;
	}
	if (call_must_plan(call) && call_plan(call))
		return;
	ProtobufCMessage *response = NULL;
	if (call->err == ERR_OK && call->result != NULL)
		call->err = call->result->err;
	if (call->err == ERR_OK)
		call->err = call->method->answer(call, &response);
	if (call->err == ERR_OK && call->watch != NULL)
		watch_go_on(call->watch);
	else
		call_answer(call, call->err, response);
}

static void call_run(struct reactor_task *task)
{
	call_go_on((struct call *)task);
}

/* ---- waiting ---- */

static void call_is_ready(void *argument, enum err err)
{
	struct call *call = argument;
	call->err = err;
	reactor_post(call->service->reactor, &call->task);
}

static void call_is_proposed(void *argument, enum err err, struct kv_result *result)
{
	struct call *call = argument;
	call->result = result;
	call_is_ready(call, err);
}

/* Until this posts the call, nobody else touches its arena. */
void call_is_changed(void *argument, const struct replica_change_outcome *outcome)
{
	struct call *call = argument;
	if (outcome->why[0] != '\0')
		call->detail = arena_dup_string(&call->arena, bytes_of_string(outcome->why));
	call->member = outcome->id;
	call_is_ready(call, outcome->err);
}

static uint64_t call_deadline_ns(const struct call *call, uint64_t timeout_ms)
{
	return clock_steady_ns() + (call->timeout_ms != 0 ? call->timeout_ms : timeout_ms) * CLOCK_NS_PER_MS;
}

static enum err call_wait(struct call *call, bool local, bool *ret_pending)
{
	const struct service *service = call->service;
	struct kv_command command = {0};
	enum err err;
	switch (call->method->kind) {
	case METHOD_NOW:
		return ERR_OK;
	case METHOD_PLAN:
		call->deadline_ns = call_deadline_ns(call, service->write_timeout_ms);
		return replica_barrier(service->replica, call->deadline_ns, call_is_ready, call, ret_pending);
	case METHOD_READ:
	case METHOD_STREAM:
		return local ? ERR_OK
		             : replica_barrier(service->replica, call_deadline_ns(call, service->read_timeout_ms),
		                               call_is_ready, call, ret_pending);
	case METHOD_WRITE:
		err = call->method->command(call, &command);
		if (err == ERR_OK)
			err =
			    replica_propose(service->replica, &command,
			                    call_deadline_ns(call, service->write_timeout_ms), call_is_proposed, call);
		*ret_pending = err == ERR_OK;
		return err;
	case METHOD_CHANGE:
		err = call->method->submit(call, call_deadline_ns(call, service->write_timeout_ms));
		*ret_pending = err == ERR_OK;
		return err;
	}
	check(false);
	return ERR_UNSUPPORTED;
}

static enum err call_parse(struct call *call, struct bytes frame, bool *ret_local)
{
	ProtobufCMessage *message;
	enum err err = control_unpack(&etcfs__control__call__descriptor, frame, &call->arena, &message);
	if (err != ERR_OK)
		return err;
	const Etcfs__Control__Call *envelope = (const Etcfs__Control__Call *)message;
	call->method = method_find(envelope->method);
	if (call->method == NULL)
		return call_fail(call, ERR_UNSUPPORTED, "this daemon has no method '%.64s': it may be older than etcfs",
		                 envelope->method);
	*ret_local = envelope->local;
	call->timeout_ms = envelope->timeout_ms;
	return control_unpack(call->method->request, proto_bytes(envelope->request), &call->arena, &call->request);
}

void call_begin(const struct service *service, struct connection *connection, struct bytes frame)
{
	struct call *call = memory_new(sizeof *call);
	*call = (struct call){.task.run = call_run, .service = service, .connection = connection};
	arena_init(&call->arena);
	arena_init(&call->planning);
	connection->state = call;
	connection_pause(connection);
	bool local = false, pending = false;
	call->err = call_parse(call, frame, &local);
	if (call->err != ERR_OK) {
		call_answer(call, call->err, NULL);
		return;
	}
	/* From here the completion may already be posted: it runs on this thread, so after this function. */
	enum err err = call_wait(call, local, &pending);
	if (err != ERR_OK)
		call_answer(call, err, NULL);
	else if (!pending)
		call_go_on(call);
}

void call_abandon(struct call *call)
{
	call->connection = NULL;
	if (call->watch == NULL)
		return; /* its completion frees it */
	watch_free(call->watch);
	call_free(call);
}
