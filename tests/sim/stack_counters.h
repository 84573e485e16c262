/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often each fault and each rare path was really reached, over all seeds of a run and all processes that share them. A
 * standard run in which one stays zero fails: what is not reached is not tested.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define COUNTERS(each) \
	each(DELIVERED, "frames delivered") \
	each(CUT_OFF, "frames cut off") \
	each(DROPPED, "frames dropped") \
	each(REPEATED, "frames repeated") \
	each(LATE, "frames late") \
	each(REFUSED, "frames refused by the queue") \
	each(BOOT, "boots") \
	each(CRASH, "crashes") \
	each(CRASH_OPENING, "crashes while opening") \
	each(CRASH_TORN, "crashes with torn or lost writes") \
	each(CRASH_ALL, "crashes of all at once") \
	each(AMBUSH, "crashes at a bad moment") \
	each(DISK_FAILED, "nodes that ended by a failed disk") \
	each(DISK_SLOW, "slow disks") \
	each(DISK_STALLED, "disk stalls told") \
	each(DAMAGED, "damaged logs noticed") \
	each(REPAIRED, "damage repaired") \
	each(PAUSE, "pauses") \
	each(CLOCK_JUMP, "wall clock jumps") \
	each(PARTITION, "partitions") \
	each(ONE_WAY, "one-way cuts") \
	each(BRIDGE, "partial cuts") \
	each(TRANSFER, "transfers asked for") \
	each(ELECTION, "elections") \
	each(LOST_LEADER, "leaders that stepped down") \
	each(TRUNCATED, "log truncations") \
	each(TRIMMED, "log trims") \
	each(SNAPSHOT_MADE, "snapshots made") \
	each(SNAPSHOT_INSTALLED, "snapshots installed") \
	each(FORWARDED, "proposals forwarded") \
	each(RETRIED, "commands committed twice") \
	each(REPEAT_ANSWERED, "answers from a session's memory") \
	each(STALE_SESSION, "commands of a stale session") \
	each(WRITE_OK, "writes answered") \
	each(WRITE_UNKNOWN, "writes of unknown outcome") \
	each(WRITE_NEVER, "writes certainly not applied") \
	each(COMPARE_FAILED, "compares that failed") \
	each(READ_OK, "reads answered") \
	each(READ_LEASE, "reads by lease") \
	each(READ_ROUND, "reads by a round") \
	each(READ_TIMEOUT, "reads timed out") \
	each(CONFIG_COMMITTED, "configurations committed") \
	each(CONFIG_JOINT, "joint configurations committed") \
	each(CONFIG_SIMPLE, "simple configurations committed") \
	each(MEMBER_ADDED, "members added") \
	each(MEMBER_REPLACED, "members added for others") \
	each(MEMBER_REMOVED, "members removed") \
	each(MEMBER_PROMOTED, "members promoted by hand") \
	each(MEMBER_DEMOTED, "members demoted") \
	each(MEMBER_LEARNED, "members that learned of their removal") \
	each(CHANGE_REFUSED, "changes refused") \
	each(CHANGE_UNKNOWN, "changes of unknown outcome") \
	each(CROSS_CHECKED, "histories for which an order was found without witnesses")
/* clang-format on */

#define COUNTERS_ENUM(name, text) COUNTER_##name,
enum counter { COUNTERS(COUNTERS_ENUM) COUNTER_COUNT };
#undef COUNTERS_ENUM

void counters_share(void); /* once, before processes are forked */
void counters_add(enum counter counter);
void counters_print(void);
/* False, and says which, if one is zero. */
bool counters_are_complete(void);
