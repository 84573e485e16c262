/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of a method over the control socket, from its request to its answer.
 *
 *     begun ── reads what this node knows ──────────────────────> answered
 *       ├──── waits for the read barrier ──> answered, or a watch begins
 *       ├──── waits for the read barrier, plans, waits for its proposal ──> answered; plans again if somebody else was first
 *       └──── waits for its proposal, or for a change of the members ──────> answered
 *
 * A client that goes away meanwhile leaves the call waiting: its completion runs exactly once, and then frees it.
 */
#pragma once

#include "api/control.h"
#include "api/connection.h"
#include "api/service.h"

struct call;
struct watch;

enum method_kind {
	METHOD_NOW,    /* answers without the others */
	METHOD_READ,   /* after a read barrier, unless the call is local */
	METHOD_WRITE,  /* after its command was applied */
	METHOD_PLAN,   /* after a read barrier its command is planned; then as METHOD_WRITE */
	METHOD_CHANGE, /* after the members, or their leader, have changed */
	METHOD_STREAM, /* as METHOD_READ, then a watch */
};

/* One row per method: api/method.c. */
struct method {
	const char *name;
	enum method_kind kind;
	const ProtobufCMessageDescriptor *request;
	/* METHOD_WRITE, METHOD_PLAN: what to propose; lives in the arena. METHOD_PLAN: of no kind when there is nothing to do; called
	 * again when its guards have failed. */
	enum err (*command)(struct call *call, struct kv_command *ret_command);
	/* METHOD_CHANGE: begins it, with call_is_changed() as its completion. */
	enum err (*submit)(struct call *call, uint64_t deadline_ns);
	/* Runs once the call may be answered. *ret_response lives in the arena. METHOD_STREAM: begins it, and gives none. */
	enum err (*answer)(struct call *call, ProtobufCMessage **ret_response);
};
/* NULL: there is none of this name. */
const struct method *method_find(const char *name);

struct call {
	struct reactor_task task;
	const struct service *service;
	const struct method *method;
	struct connection *connection; /* NULL: the client is gone */
	struct watch *watch;           /* of a stream that has begun */
	struct arena arena;
	ProtobufCMessage *request;
	uint32_t timeout_ms;      /* the client's; 0: none */
	struct kv_result *result; /* of the proposal */
	struct arena planning;    /* METHOD_PLAN: of the newest plan */
	void *plan;               /* METHOD_PLAN: the method's own */
	unsigned plans;           /* made so far */
	uint64_t deadline_ns;     /* METHOD_PLAN: of all of it */
	uint64_t member;          /* whom the change was about */
	enum err err;
	const char *detail; /* what an error is about, or is to be said of a change, for people; may be NULL */
};

/* The connection is paused until the call is answered, and then resumed. *frame is one message of type Call. */
void call_begin(const struct service *service, struct connection *connection, struct bytes frame);
/* The client is gone. */
void call_abandon(struct call *call);

/* A replica_changed of a call. */
void call_is_changed(void *argument, const struct replica_change_outcome *outcome);

/* For streams. ERR_TOO_LARGE: the output is full. */
enum err call_send(struct call *call, const ProtobufCMessage *response, struct arena *arena) MUST_USE;
/* Ends a stream. The call is gone after it. */
void call_end(struct call *call, enum err err);

/* An error with a word about it. Returns err. */
enum err call_fail(struct call *call, enum err err, const char *format, ...) __attribute__((format(printf, 3, 4)));
