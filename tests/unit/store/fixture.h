/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a directory of its own, and short ways to say what is applied to it. */
#pragma once

#include "base/arena.h"
#include "store/store.h"
#include "tests/unit/unit.h"

struct fixture {
	char directory[64];
	struct store *store;
	struct kv *kv;
	struct arena arena; /* for a test's own reads; until fixture_close() */
	uint64_t index, term;
	int64_t time_ns;
	uint64_t session, sequence, done_below; /* of the commands that are applied; 0: none */
	uint64_t quota_bytes;                   /* likewise */
	/* What the observer saw, newest last; bytes in the arena. */
	struct kv_change changes[64];
	size_t change_count;
	size_t replaced_count;
	struct kv_lease_event lease_events[64];
	size_t lease_event_count;
};

void fixture_open(struct fixture *fixture);
/* Closes the store, and opens it again. */
void fixture_reopen(struct fixture *fixture);
void fixture_stop(struct fixture *fixture); /* closes the store alone */
void fixture_start(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

#define B(literal) BYTES_LITERAL(literal)

/* Each applies one entry. The result is the caller's. */
struct kv_result *fixture_apply(struct fixture *fixture, struct kv_command *command);
struct kv_result *fixture_txn(struct fixture *fixture, const struct kv_txn *txn);
/* A transaction of these operations alone; its condition. */
enum err fixture_ops(struct fixture *fixture, const struct kv_op *ops, size_t count);
enum err fixture_op(struct fixture *fixture, struct kv_op op);
enum err fixture_put(struct fixture *fixture, const char *key, const char *value);
enum err fixture_delete(struct fixture *fixture, const char *key);
enum err fixture_compact(struct fixture *fixture, int64_t revision);
enum err fixture_grant(struct fixture *fixture, int64_t lease, int64_t ttl_s);
enum err fixture_revoke(struct fixture *fixture, int64_t lease);

#define FIXTURE_OPS(fixture, ...)                                                                                      \
	fixture_ops(fixture, (const struct kv_op[]){__VA_ARGS__},                                                      \
	            sizeof((const struct kv_op[]){__VA_ARGS__}) / sizeof(struct kv_op))
#define PUT(...)                                                                                                       \
	{                                                                                                              \
		.kind = KV_PUT, .put = { __VA_ARGS__ }                                                                 \
	}
#define DELETE(...)                                                                                                    \
	{                                                                                                              \
		.kind = KV_DELETE, .del = { __VA_ARGS__ }                                                              \
	}
#define RANGE(...)                                                                                                     \
	{                                                                                                              \
		.kind = KV_RANGE, .range = { __VA_ARGS__ }                                                             \
	}
#define MOVE(from_, to_)                                                                                               \
	{                                                                                                              \
		.kind = KV_MOVE, .move = {.from = B(from_), .to = B(to_) }                                             \
	}
#define EXCHANGE(from_, to_)                                                                                           \
	{                                                                                                              \
		.kind = KV_EXCHANGE, .move = {.from = B(from_), .to = B(to_) }                                         \
	}

int64_t fixture_revision(struct fixture *fixture);
/* The key as it is now; fails the test when it is not there. */
struct kv_record fixture_get(struct fixture *fixture, const char *key);
bool fixture_has(struct fixture *fixture, const char *key);
struct kv_directory fixture_directory(struct fixture *fixture, const char *prefix);
bool fixture_has_directory(struct fixture *fixture, const char *prefix);
/* The children's names, separated by blanks, directories with a '/': in the arena. */
const char *fixture_list(struct fixture *fixture, const char *prefix);
/* The keys and values of a range at a revision (0: now) as "key=value key=value": in the arena. */
const char *fixture_range(struct fixture *fixture, const char *start, const char *end, int64_t revision);
void assert_bytes(struct bytes actual, const char *expected);
