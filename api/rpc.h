/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remote procedure calls as the services of etcd have them: a row for each, one call from its request to its end, and the conditions
 * of ours as gRPC's codes and etcd's words. How requests and answers travel is a transport's business (api/grpc.h, the gateway of
 * JSON); rows do not know by which one they were reached. All on the api role.
 *
 *     begun --reply, or finish--> ended
 *       '---- the client goes away --> ended (what it waited for still runs to its completion, and is then forgotten)
 *
 * Sources: the gRPC core concepts (codes and life of a call), etcd's api/v3rpc/rpctypes (codes and words that clients match).
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "api/proto/rpc.pb-c.h"
#include "api/service.h"
#include "api/ticks.h"

enum rpc_code {
	RPC_OK,
	RPC_CANCELED,
	RPC_UNKNOWN,
	RPC_INVALID_ARGUMENT,
	RPC_DEADLINE_EXCEEDED,
	RPC_NOT_FOUND,
	RPC_ALREADY_EXISTS,
	RPC_PERMISSION_DENIED,
	RPC_RESOURCE_EXHAUSTED,
	RPC_FAILED_PRECONDITION,
	RPC_ABORTED,
	RPC_OUT_OF_RANGE,
	RPC_UNIMPLEMENTED,
	RPC_INTERNAL,
	RPC_UNAVAILABLE,
	RPC_DATA_LOSS,
	RPC_UNAUTHENTICATED,
};

struct rpc_status {
	enum rpc_code code;
	const char *message;
};

/* The etcd that we are like: clients ask for features by it. */
#define RPC_ETCD_VERSION "3.6.11"
#define RPC_ETCD_CLUSTER_VERSION "3.6.0"
#define RPC_ETCD_STORAGE_VERSION "3.6.0"

enum {
	RPC_BACKLOG_BYTES_MAX = 1 << 20, /* of a stream that its client does not fetch; one message more */
	RPC_ROOM_BYTES = 256 << 10,      /* less than it waits: there is room */
	RPC_UNFETCHED_MAX = 16384,       /* answers of a stream to its client's own requests, that it does not fetch */
	RPC_LEADERLESS_TIMEOUTS = 3,     /* election timeouts without a leader that end the streams that require one */
};

enum rpc_kind { RPC_UNARY, RPC_SERVER_STREAM, RPC_BIDI };

struct rpc_call;

/* A row. What is NULL is not needed by its kind. */
struct rpc_method {
	const ProtobufCServiceDescriptor *service;
	const char *name;
	enum rpc_kind kind;
	const char *gateway, *gateway_also; /* paths of the JSON gateway, or NULL */
	/* UNARY and SERVER_STREAM: call->request is there. BIDI: nothing came yet. */
	void (*begin)(struct rpc_call *call);
	void (*received)(struct rpc_call *call, const ProtobufCMessage *message); /* BIDI; lent */
	void (*half_closed)(
	    struct rpc_call *call);             /* BIDI: the client sends no more. NULL: the call is finished well */
	void (*drained)(struct rpc_call *call); /* streams: there is room again */
	/* Exactly once after `begin`, however the end came: what call->state is gets freed. May be NULL. */
	void (*ended)(struct rpc_call *call);
};

/* How a call's answers travel. Each is called on the api role, with the link that the call was made with, until finish. */
struct rpc_transport {
	/* ERR_TOO_LARGE: it will never fit. */
	enum err (*send)(void *link, const ProtobufCMessage *message);
	size_t (*backlog_bytes)(const void *link);
	void (*finish)(void *link, const struct rpc_status *status); /* the link is gone after it */
};

struct rpc_call {
	const struct rpc_method *method;
	const struct service *service;
	struct arena arena; /* of the request, and of the answer */
	ProtobufCMessage *request;
	uint64_t deadline_ns; /* the client's; UINT64_MAX: none */
	bool require_leader;  /* a stream is canceled when there is none */
	void *state;          /* the row's */

	const struct rpc_transport *transport;
	void *link;
	unsigned references; /* the transport's, and one for each completion that is waited for */
	bool begun, ended;
	unsigned unfetched;     /* answers, since the client had fetched most of them: see rpc_send_asked() */
	bool waits;             /* for room: the transport calls rpc_drained() once there is */
	struct tick leaderless; /* of a stream that requires a leader */
	uint64_t leaderless_ns; /* since when there was none; 0: there is one */
};

/* ---- for transports ---- */

/* By "/package.Service/Method"; NULL: *ret_status says why not. */
const struct rpc_method *rpc_find(const char *path, struct arena *arena, struct rpc_status *ret_status);
/* By a path of the gateway; NULL: there is none. */
const struct rpc_method *rpc_find_gateway(const char *path);
const ProtobufCMessageDescriptor *rpc_input(const struct rpc_method *method);
const ProtobufCMessageDescriptor *rpc_output(const struct rpc_method *method);

/* The request is unpacked into call->arena by the transport before rpc_begin(). */
struct rpc_call *rpc_call_new(const struct service *service, const struct rpc_method *method,
                              const struct rpc_transport *transport, void *link);
void rpc_begin(struct rpc_call *call);
void rpc_received(struct rpc_call *call, const ProtobufCMessage *message);
void rpc_half_closed(struct rpc_call *call);
/* If call->waits, and rpc_room_is_made(). */
void rpc_drained(struct rpc_call *call);
bool rpc_room_is_made(const struct rpc_call *call);
/* The client is gone: the link is not touched any more. */
void rpc_abandon(struct rpc_call *call);

/* ---- for rows ---- */

/* Of a unary call: sends it and finishes well. */
void rpc_reply(struct rpc_call *call, const ProtobufCMessage *response);
/* Of a stream. ERR_BUSY: nothing was sent, so much waits for the client; `drained` tells when to go on. ERR_TOO_LARGE. */
enum err rpc_send(struct rpc_call *call, const ProtobufCMessage *message) MUST_USE;
/* However much waits: for what is bounded by other means. ERR_TOO_LARGE. */
enum err rpc_send_anyway(struct rpc_call *call, const ProtobufCMessage *message) MUST_USE;
/* Of a stream, to what its client asked for: never held back, but bounded in number. False: it asks and does not fetch, or the answer does
 * not fit, and the stream is over. */
bool rpc_send_asked(struct rpc_call *call, const ProtobufCMessage *message) MUST_USE;
/* Little waits for the client. False: `drained` tells when. */
bool rpc_has_room(struct rpc_call *call);
/* The call is not touched by the row after it. message: copied. */
void rpc_finish(struct rpc_call *call, enum rpc_code code, const char *message);
void rpc_fail(struct rpc_call *call, enum err err);
struct rpc_status rpc_status_of(enum err err);

/* Until when a request may take by itself: etcd's ReqTimeout, or the client's own deadline. */
uint64_t rpc_deadline_ns(const struct rpc_call *call);

/* What the replica completes, brought back to the loop. `then` does not run when the call has ended meanwhile. */
void rpc_barrier(struct rpc_call *call, void (*then)(struct rpc_call *call, enum err err));
/* The result is lent, NULL unless err is ERR_OK. */
void rpc_propose(struct rpc_call *call, const struct kv_command *command,
                 void (*then)(struct rpc_call *call, enum err err, struct kv_result *result));
/* why: for people, lent; id: of the member. */
struct rpc_change_outcome {
	enum err err;
	const char *why;
	uint64_t id;
};
void rpc_change(struct rpc_call *call, const struct replica_change *change,
                void (*then)(struct rpc_call *call, const struct rpc_change_outcome *outcome));

/* What is asked of a lease; of streams, `context` tells one from another. */
void rpc_lease(struct rpc_call *call, enum replica_lease_ask ask, int64_t id, void *context,
               void (*then)(struct rpc_call *call, void *context, const struct replica_lease_outcome *outcome));

/* In the call's arena; revision 0: none. */
Etcdserverpb__ResponseHeader *rpc_header(struct rpc_call *call, int64_t revision);
/* Of streams, whose arena lives long. */
void rpc_header_set(const struct rpc_call *call, int64_t revision, Etcdserverpb__ResponseHeader *ret_header);
