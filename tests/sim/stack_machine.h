/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes: each is a whole replica, opened and started as the daemon does, with a disk of its own for the Raft log that loses
 * what was not synced (tests/unit/store/memory_disk.h), and a directory for the rest.
 *
 *     down --boot--> opening --replica_start()--> up --crash, or it ends itself--> down
 *
 * What is kept elsewhere than in the log (identity, name of the database, what the engine has flushed) is durable when the
 * call that writes it returns.
 */
#pragma once

#include "replica/replica.h"
#include "tests/sim/stack_world.h"
#include "tests/unit/store/memory_disk.h"

struct raftlog;

enum machine_state { MACHINE_DOWN, MACHINE_OPENING, MACHINE_UP };

struct machine {
	enum machine_state state;
	uint64_t life;   /* grows with each crash */
	uint64_t member; /* its id; 0: never seen */
	char name[16], url[32], directory[128];
	bool joins; /* not one of the initial members; it waits until it has an id */
	bool gone;  /* taken down for good */
	struct replica *replica;
	struct raftlog *log;
	struct memory_disk *disk;
	int lock;
	bool dying;   /* it has ended itself, and is to be taken down */
	bool excused; /* a fault was planted that it may end by */
	bool disk_slow;
	uint64_t boots;
};

struct machine_plan {
	unsigned members; /* of the initial cluster */
	uint32_t heartbeat_ms, election_ms;
	uint64_t catchup_entries;
	uint32_t disk_us_max;
	bool small_messages; /* one entry per append, and few under way */
};

/* ---- life ---- */
void machine_begin(const struct machine_plan *plan);
void machine_end(void);
struct machine *machine_at(unsigned node); /* from 1 */
unsigned machine_count(void);
unsigned machine_of_member(uint64_t member); /* 0: none */
uint64_t machine_life(unsigned node);
bool machine_is_up(unsigned node);
bool machine_is_dying(unsigned node);
void machine_boot(unsigned node); /* not one that is gone, or has no id yet */
unsigned machine_add(void);       /* one more, to be started once it is let in */
void machine_join(unsigned node, uint64_t member);
void machine_retire(unsigned node);
/* Nothing when it is down. Its files are closed, its threads gone, its disk is what the loss leaves. */
void machine_crash(unsigned node, enum memory_loss loss);
/* Its next calls of the disk fail; it ends by that, and may. */
void machine_fail_disk(unsigned node, int error);
void machine_fill_disk(unsigned node);
void machine_spare(unsigned node); /* no more of that */
/* It crashes, and a bit of what was known to be durable is another one. False: there is nothing to damage. */
bool machine_flip_bit(unsigned node);
void machine_look(unsigned node);        /* does it believe that it was removed? Then it ends */
uint64_t machine_applied(unsigned node); /* of one that is up */

/* ---- what it says, by the log ---- */
void machine_complains(unsigned node, const char *event);
void machine_dies(unsigned node, const char *event);
void machine_rerun_line(void);
void machine_remove_place(long pid); /* what a run of that process has left on disk */

/* Of the run under way; the disk's latency may be changed meanwhile. */
struct machine_plan *machine_plan(void);
