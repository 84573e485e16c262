/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long each lease has, as the leader counts it. Time is handed in. By the raft role alone.
 *
 * A leader that begins gives each lease what the state says that it has left, and a grace. The state says the whole of it, unless a
 * checkpoint said less; so that leases end though leaders change often, checkpoints are made as time goes by. To keep a lease alive
 * that has one takes a command that clears it, before it is answered. So clients that are in time cost no commands: they come
 * before half of it has gone, and until then a lease that was kept alive gets no checkpoint.
 *
 *     steady --lessor_next--> under way (a checkpoint, a clearing, or its end) --applied--> steady, or gone
 *                                  '------ refused ------> steady
 *
 * Invariants:
 *  1. A lease that was answered as kept at some moment is not ended before that moment and its whole time. Nor by another leader,
 *     which begins later: the state says at the answer that all of it is left, and nothing under way says less.
 *  2. At most one command about a lease is under way.
 *
 * Source: etcd lease/lessor.go; docs/decisions/0014-leases-are-counted-by-the-leader.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

enum {
	/* Ends of leases under way at once, and begun in a second: many leases that end together must not hold up everybody else. */
	LESSOR_ENDING_MAX = 64,
	LESSOR_ENDS_PER_S = 2000,
	LESSOR_STEPS_MAX = 256, /* at once */
	/* How much less must be left than the state says, before it is told. */
	LESSOR_CHECKPOINT_PARTS = 8, /* a part of the whole, */
	LESSOR_CHECKPOINT_MS_MIN = 1000,
	LESSOR_CHECKPOINT_MS_MAX = 60 * 1000, /* within these */
	LESSOR_CHECKPOINTS_MAX = 512,         /* in the life of a long one */
};

struct lessor;
struct lessor *lessor_new(void);
void lessor_free(struct lessor *lessor);
/* Forgets all. Those that are added from now on get so much more than the state says. */
void lessor_begin(struct lessor *lessor, uint64_t grace_ms);
void lessor_clear(struct lessor *lessor);

/* Of the state, when it begins. One that is there already is passed over. */
void lessor_add(struct lessor *lessor, const struct kv_lease *lease, uint64_t now_ns);
/* What was applied, in order. */
void lessor_event(struct lessor *lessor, const struct kv_lease_event *event, uint64_t now_ns);

enum lessor_answer {
	LESSOR_ALIVE,
	LESSOR_GONE,
	LESSOR_LATER, /* not before something more was applied: ask again */
};
struct lessor_time {
	int64_t ttl_s, left_ms; /* as granted; left: >= 0 */
};
enum lessor_answer lessor_keep_alive(struct lessor *lessor, int64_t id, uint64_t now_ns, struct lessor_time *ret_time);
enum lessor_answer lessor_look(const struct lessor *lessor, int64_t id, uint64_t now_ns, struct lessor_time *ret_time);

/* What is to be proposed now. */
struct lessor_step {
	int64_t id;
	bool ends;
	int64_t left_ms; /* unless it ends: of the checkpoint, or all of it */
};
/* Each is under way from now on, until its event comes or it is refused. */
size_t lessor_next(struct lessor *lessor, uint64_t now_ns, struct lessor_step steps[LESSOR_STEPS_MAX]);
void lessor_refused(struct lessor *lessor, const struct lessor_step *steps, size_t count);
/* When there is something to propose; UINT64_MAX: nothing. */
uint64_t lessor_wake_ns(const struct lessor *lessor);
size_t lessor_count(const struct lessor *lessor);
