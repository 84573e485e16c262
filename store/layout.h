/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things stand in the database: the column families, and the keys of their rows. Nobody else builds a key.
 *
 *   meta     one letter, then numbers (below)      what is not a record: state, sessions, members, leases
 *   head     the key                               its newest record
 *   past     the key escaped, ~revision            older records, and tombstones; newest first within a key
 *   changes  revision                              what was changed in it
 *   tree     length of parent, parent, name        a directory; the directories in one stand side by side
 *
 * Numbers in keys are 8 bytes, big-endian, so that they sort as numbers. A key is escaped so that it sorts as itself and ends
 * recognisably: 00 becomes 00 ff, the end is 00 01.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

enum family { FAMILY_META, FAMILY_HEAD, FAMILY_PAST, FAMILY_CHANGES, FAMILY_TREE, FAMILY_COUNT };

/* RocksDB wants one to be named "default": that is meta. */
const char *family_name(enum family family);

struct bytes layout_change(int64_t revision, struct arena *arena);
int64_t layout_change_revision(struct bytes row); /* -1: not such a row */

struct bytes layout_past(struct bytes key, int64_t revision, struct arena *arena);
/* After every row of the key in `past`. */
struct bytes layout_past_end(struct bytes key, struct arena *arena);
/* Between the rows of keys < `key` and those of keys >= `key`. */
struct bytes layout_past_bound(struct bytes key, struct arena *arena);
/* The key is unescaped into the arena. False: not such a row. */
bool layout_past_split(struct bytes row, struct arena *arena, struct bytes *ret_key, int64_t *ret_revision);

/* Of a prefix that ends in '/'. */
struct bytes layout_tree(struct bytes prefix, struct arena *arena);
/* What the rows of the directories directly in `prefix` begin with; the rest of such a row is the name. */
struct bytes layout_tree_children(struct bytes prefix, struct arena *arena);

/* Rows of meta. */
struct bytes layout_state(void);
struct bytes layout_config(void);
struct bytes layout_swept(void); /* how far the background has cleaned up: of this node alone */
struct bytes layout_session(uint64_t session, struct arena *arena);
struct bytes layout_outcomes(uint64_t index, struct arena *arena);
struct bytes layout_member(uint64_t member, struct arena *arena);
struct bytes layout_removed(uint64_t member, struct arena *arena); /* it was a member */
struct bytes layout_lease(int64_t lease, struct arena *arena);
struct bytes layout_leases(void);
struct bytes layout_attached(int64_t lease, struct bytes key, struct arena *arena);
struct bytes layout_alarm(uint64_t member, uint8_t kind, struct arena *arena);
struct bytes layout_alarms(void);
/* False: not such a row. */
bool layout_alarm_split(struct bytes row, uint64_t *ret_member, uint8_t *ret_kind);
/* What all rows of one kind begin with, and the number after it. */
struct bytes layout_sessions(void);
struct bytes layout_all_outcomes(void);
struct bytes layout_members(void);
struct bytes layout_all_removed(void);
struct bytes layout_all_attached(int64_t lease, struct arena *arena);
uint64_t layout_number(struct bytes row); /* 0: not such a row */
struct bytes layout_attached_key(struct bytes row);

/* ---- paths ---- */

/* The directory that a key is in: up to its last '/'. Of a key that ends in '/' (a marker) it is the key itself.
 * Empty: none. */
struct bytes layout_home(struct bytes key);
/* The directory that a directory is in; empty: none. */
struct bytes layout_parent(struct bytes prefix);
bool layout_is_directory(struct bytes key); /* ends in '/' */
