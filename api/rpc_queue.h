/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys below one prefix as a queue: whose key was created first is at its head. A call takes a place, a key that hangs on a lease, and
 * waits until it is the first. Source: etcd client/v3/concurrency.
 *
 *     begun --grant, if it has no lease--> put --is the first--------------------------> first
 *                                           '-- waits for the one before it to go --> looked at again --> first, or lost
 *
 * A call that ends before it was the first gives its place back, unless it found the key there. On the api role.
 */
#pragma once

#include "api/events.h"
#include "api/rpc.h"

enum { QUEUE_TTL_S = 60 }; /* of a lease that the client did not bring */

struct queue_place;
struct queue_options {
	struct bytes name; /* of the queue: its keys are below "NAME/"; lives in the call's arena */
	struct bytes value;
	int64_t lease;    /* 0: a new one */
	bool sets_value;  /* also of a key that is there already */
	const char *lost; /* what is said to who is not in the queue any more when its turn comes */
	/* It is the first. revision: of the store then. The call is answered. */
	void (*first)(struct rpc_call *call, const struct queue_place *place, int64_t revision);
};

struct queue_place {
	struct events_watch before, own; /* the key before it, and its own */
	struct rpc_call *call;
	struct queue_options options;
	struct bytes prefix, key; /* in the call's arena */
	int64_t lease;
	int64_t revision;     /* that created the key */
	int64_t put_revision; /* of the store when it had its place */
	bool watches_before, watches_own, made, is_first;
};

/* call->state is the place, until queue_ended(). */
void queue_begin(struct rpc_call *call, const struct queue_options *options);
void queue_ended(struct rpc_call *call);

struct kv_range queue_range(struct bytes prefix, struct arena *arena);
/* In the arena. */
struct bytes queue_prefix(struct bytes name, struct arena *arena);
/* The head of the queue as of a revision, 0: of the view. ERR_NOT_FOUND: nobody is in it. */
enum err queue_head(struct kv_view *view, struct bytes prefix, int64_t revision, struct arena *arena,
                    struct kv_record *ret_record) MUST_USE;
/* Conditions as etcd's services Lock and Election tell them: as errors of a client of theirs, whose code is lost on the way. */
void queue_fail(struct rpc_call *call, enum err err);
/* For rpc_propose(): the answer is a header alone. */
void queue_changed(struct rpc_call *call, enum err err, struct kv_result *result);
