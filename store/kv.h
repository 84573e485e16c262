/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as fs/ and api/ see it: revisions, records, transactions, views and changes.
 *
 * Source: etcd's data model (etcd v3 API, mvcc): a store-wide revision that each changing transaction raises by
 * one; a fresh store has revision 1. On top of it, four things of ours:
 *
 *   attr       opaque bytes beside each value, owned by fs/ (mode, owner, times). A put without it keeps it.
 *   id         the identity of the object behind a key: given at creation, kept by puts and by moves, unique in
 *              the cluster's life. Ids that the store gives are below 2^63; a caller may name its own, which then
 *              have bit 63 set (see KV_ID_OWN).
 *   tree       keys seen as paths: each prefix that ends in '/' and has a live key at or below it is a directory
 *              with an id, a number of children and the revision and time of its last change of membership.
 *   move       a key, or all keys below a prefix, get other names in one revision, keeping id, value and attr.
 *
 * All structs here borrow their bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"

#define KV_ID_OWN (UINT64_C(1) << 63)

struct kv_record {
	struct bytes key, value, attr;
	int64_t create_revision, mod_revision, version, lease;
	int64_t time_ns; /* of the commit that made this record; the leader's clock since 1970, never goes back */
	uint64_t id;
	/* The value was put after the attr, by somebody who did not know of attrs (a put that keeps the attr and not the value), so
	 * what the attr says of the value's size and time is of an older one. */
	bool attr_is_older;
};

/* [start, end). end empty: the single key `start`. end = "\0": all keys >= start (etcd's convention). */
struct kv_range {
	struct bytes start, end;
};

/* ---- transactions ---- */

enum kv_target { KV_VERSION, KV_CREATE, KV_MOD, KV_VALUE, KV_LEASE, KV_ID };
enum kv_result_of_compare { KV_EQUAL, KV_GREATER, KV_LESS, KV_NOT_EQUAL };

/* True if it holds for every live key in the range; a range without any compares as 0 (KV_VALUE: never true).
 * So {range of a directory's children, KV_CREATE EQUAL 0} says "is empty". KV_ID of a single key that ends in '/' is
 * the directory's, whether or not it has a marker; 0 when there is none. */
struct kv_compare {
	enum kv_target target;
	enum kv_result_of_compare result;
	struct kv_range range;
	int64_t number;     /* all targets but VALUE; ID as its bits */
	struct bytes value; /* KV_VALUE */
};

enum kv_op_kind { KV_PUT = 1, KV_DELETE, KV_RANGE, KV_TXN, KV_MOVE, KV_EXCHANGE };

struct kv_put {
	struct bytes key, value, attr;
	int64_t lease;
	uint64_t id;     /* 0: kept, or given at creation (a marker's is its directory's) */
	bool keep_value; /* etcd ignore_value; ERR_NOT_FOUND when absent */
	bool keep_lease; /* etcd ignore_lease */
	bool keep_attr;  /* attr is ignored: an existing key keeps its own, a new one has none */
	bool want_prev;
};

/* Keys and values of one transaction stay in memory until it is written: a delete of a range, or a move, of more than
 * LIMIT_TXN_KEYS keys is refused with ERR_LIMIT, and one of more than 128 MiB with ERR_TOO_LARGE. */
struct kv_delete {
	struct kv_range range;
	bool want_prev;
};

enum kv_order { KV_ORDER_NONE, KV_ASCEND, KV_DESCEND };
enum kv_sort { KV_SORT_KEY, KV_SORT_VERSION, KV_SORT_CREATE, KV_SORT_MOD, KV_SORT_VALUE };

struct kv_range_request {
	struct kv_range range;
	int64_t limit;    /* 0: none */
	int64_t revision; /* <= 0: the view's */
	enum kv_order order;
	enum kv_sort sort;
	bool keys_only, count_only;
	int64_t min_mod_revision, max_mod_revision, min_create_revision, max_create_revision; /* 0: none */
	/* How many keys are in the range, by who knows it already: then nothing is looked at behind the limit. 0: they are counted.
	 * Not with filters. Not of an operation of a transaction. */
	int64_t known_count;
};

/* KV_MOVE: `from` becomes `to`; KV_EXCHANGE: each becomes the other. Both end in '/', and then it is the
 * directories (the marker keys and all keys below), or neither does, and then it is the two keys alone. What lives
 * at or below `to` goes in the same revision: guard it by compares. A key that lives and gets the content of another
 * is an update of it: its create_revision stays, its version grows; id, value, attr and lease are the moved ones.
 * Neither end may meet what another operation of the transaction writes (ERR_DUPLICATE_KEY). ERR_NOT_FOUND when `from` is
 * absent (or `to`, for KV_EXCHANGE), ERR_INVALID when one directory is in the other, ERR_TOO_LARGE when a new
 * name is; see kv_delete for how much. */
struct kv_move {
	struct bytes from, to;
	bool set_attr; /* KV_MOVE of a single key: also sets its attr */
	struct bytes attr;
};

enum {
	KV_TXN_DEPTH_MAX = 8,   /* of nested transactions; the outermost is 1 */
	KV_TXN_OPS_MAX = 16384, /* in all its branches together; compares: in each */
};

struct kv_txn;
struct kv_op {
	enum kv_op_kind kind;
	union {
		struct kv_put put;
		struct kv_delete del;
		struct kv_range_request range;
		const struct kv_txn *txn;
		struct kv_move move;
	};
};

struct kv_txn {
	const struct kv_compare *compares;
	size_t compare_count;
	const struct kv_op *success;
	size_t success_count;
	const struct kv_op *failure;
	size_t failure_count;
	/* fs's note of what this operation was; kept in the change log beside its events; outermost txn only. */
	struct bytes note;
};

/* All keys in [prefix, prefix+1): the range of what begins with prefix. The end lives in the arena. */
struct kv_range kv_prefix(struct bytes prefix, struct arena *arena);

/* ---- results ---- */

struct kv_response {
	enum kv_op_kind kind;
	struct kv_record *records; /* KV_RANGE: found; KV_PUT, KV_DELETE with want_prev: previous */
	size_t record_count;
	int64_t count; /* KV_RANGE: all in range; KV_DELETE: deleted; KV_MOVE: moved */
	bool more;     /* KV_RANGE: cut by the limit */
	/* Of the store as the operation left it: before anything was changed, the one that the transaction found. */
	int64_t revision;
	const struct kv_result *txn;
};

/* Of an applied command. Memory: one arena, freed with kv_result_free(). Of a proposal that was applied before (see
 * kv_command.session) there are no responses any more. */
struct kv_result {
	enum err err;     /* the condition that refused the whole command: nothing was changed */
	int64_t revision; /* of the store after it */
	uint64_t index;   /* of its log entry */
	int64_t time_ns;
	bool succeeded; /* the compares held */
	struct kv_response *responses;
	size_t response_count;
	int64_t lease, lease_ttl_s; /* lease commands */
	uint64_t session;           /* KV_COMMAND_SESSION */
	struct arena arena;
};
void kv_result_free(struct kv_result *result);

/* ---- commands: what a log entry of kind COMMAND can be ---- */

enum kv_command_kind {
	KV_COMMAND_TXN = 1,
	KV_COMMAND_COMPACT,
	KV_COMMAND_SESSION, /* opens a proposal session for a member: thesis §6.3 */
	KV_COMMAND_LEASE_GRANT,
	KV_COMMAND_LEASE_REVOKE,
	KV_COMMAND_MEMBER,           /* a member publishes its name and addresses */
	KV_COMMAND_LEASE_EXPIRE,     /* as KV_COMMAND_LEASE_REVOKE, by the leader */
	KV_COMMAND_LEASE_CHECKPOINT, /* how long leases have left, by the leader */
	KV_COMMAND_ALARM,
};

/* What is said of a member beside its vote. Who is a member, a configuration entry alone decides, and it brings these with it;
 * KV_COMMAND_MEMBER changes the name and the addresses of one that is: ERR_NOT_FOUND otherwise. */
struct kv_member {
	uint64_t id;
	const char *name;
	const char *peer_urls;   /* comma-separated */
	const char *client_urls; /* comma-separated; may be empty */
	/* The number under which it asked to be added, so that it can ask again; 0: nobody may ask for it. */
	uint64_t claim;
	uint64_t replaces;  /* the member whose place it takes once it has caught up; 0: nobody's */
	bool wants_no_vote; /* not promoted by itself */
};
/* The claim of a member that was added for whoever comes first under its name and address. */
#define KV_CLAIM_OPEN UINT64_C(1)

/* A lease: the keys that are put with it are deleted with it. Its time is counted by the leader alone; the state knows how much of
 * it a new leader has to grant at least. */
struct kv_lease {
	int64_t id;         /* not 0; may be negative */
	int64_t ttl_s;      /* as it was granted */
	int64_t left_ms;    /* of the newest checkpoint; all of it, if there is none or it was kept alive since */
	int64_t granted_ns; /* time of that commit */
};
#define KV_LEASE_TTL_S_MAX INT64_C(9000000000)

struct kv_lease_left {
	int64_t id, left_ms;
};

/* What is wrong with the cluster, as all members know it, and what is stopped meanwhile. Source: etcd's alarms (AlarmRequest), with
 * three faults mended: a write that is refused for want of room was not applied, space that comes back ends the alarm, and a
 * member that differs stops nobody but itself. */
enum kv_alarm_kind {
	/* Raised by itself when a change is refused for the quota: nothing may grow beyond `limit` until no more than that is
	 * left, which clears it. By hand: nothing is put. Deletes, compactions and revokes are always possible. */
	KV_ALARM_NOSPACE = 1,
	/* Raised by itself for a member whose state differs; it has taken itself out, and its removal clears the alarm. By hand:
	 * nothing is changed. */
	KV_ALARM_CORRUPT,
};
struct kv_alarm {
	uint64_t member; /* that raised it, or about which it is */
	enum kv_alarm_kind kind;
	bool by_itself;
	int64_t time_ns;      /* since when */
	int64_t limit, quota; /* NOSPACE that was raised by itself: of kv_stats.value_bytes; else 0 */
};
enum kv_alarm_action { KV_ALARM_RAISE = 1, KV_ALARM_CLEAR };
enum { KV_ALARMS_MAX = 1024 }; /* two for each member, and as many for numbers that clients make up */

struct kv_command {
	enum kv_command_kind kind;
	/* Exactly once (thesis §6.3): a command with the session and sequence of an earlier one has the earlier
	 * one's outcome and no effect. session 0: not remembered. Set by replica/. */
	uint64_t session, sequence;
	uint64_t done_below; /* every sequence below it has been answered: may be forgotten */
	uint64_t proposer;   /* member id; origin of the change */
	/* TXN: what would let kv_stats.value_bytes grow beyond it is refused (ERR_QUOTA), which raises an alarm; 0: none. Set by
	 * replica/, and carried so that all members decide alike. */
	uint64_t quota_bytes;
	union {
		struct kv_txn txn;
		struct {
			int64_t revision;
		} compact;
		struct {
			uint64_t member, nonce;
		} session_open;
		struct {
			int64_t id, ttl_s;
		} lease_grant;
		struct {
			int64_t id;
		} lease_revoke;
		/* These two are what a leader decided in a term, and have an effect (else ERR_NOT_LEADER) only as entries of that
		 * term: so what an older leader decided cannot come after what a newer one has promised. */
		struct {
			int64_t id;
			uint64_t term;
		} lease_expire;
		struct {
			uint64_t term;
			const struct kv_lease_left *lefts; /* of leases that are not there any more: passed over */
			size_t count;
		} lease_checkpoint;
		struct kv_member member;
		/* `succeeded`: it was there, or is now. RAISE by itself: of CORRUPT alone. ERR_LIMIT: KV_ALARMS_MAX. */
		struct {
			enum kv_alarm_action action;
			enum kv_alarm_kind kind;
			uint64_t member;
			bool by_itself;
		} alarm;
	};
};

struct buffer;
/* ERR_TOO_LARGE past the buffer's maximum, ERR_LIMIT for a transaction that is nested too deeply, ERR_INVALID for an
 * enumeration's number that is none of its. */
enum err kv_command_encode(const struct kv_command *command, struct buffer *buffer) MUST_USE;
/* Everything in *ret_command lives in the arena or in `encoded`. ERR_CORRUPT. */
enum err kv_command_decode(struct bytes encoded, struct arena *arena, struct kv_command *ret_command) MUST_USE;

/* Whose it is, without unpacking it. ERR_CORRUPT. */
struct kv_origin {
	enum kv_command_kind kind;
	uint64_t session, sequence, proposer;
};
enum err kv_command_origin(struct bytes encoded, struct kv_origin *ret_origin) MUST_USE;

/* ---- changes ---- */

enum kv_event_type { KV_EVENT_PUT, KV_EVENT_DELETE };

struct kv_event {
	enum kv_event_type type;
	struct kv_record record; /* DELETE: only key, mod_revision, id */
	bool has_prev;
	struct kv_record prev; /* what the key held before */
};

/* All changes of one revision. */
struct kv_change {
	int64_t revision, time_ns;
	uint64_t index;    /* log index */
	uint64_t proposer; /* member */
	uint64_t session, sequence;
	struct bytes note;
	const struct kv_event *events;
	size_t event_count;
};

enum kv_lease_event_type { KV_LEASE_GRANTED, KV_LEASE_ENDED, KV_LEASE_CHECKPOINTED };

struct kv_lease_event {
	enum kv_lease_event_type type;
	uint64_t index;        /* log index */
	struct kv_lease lease; /* as it is now; ENDED: only id */
};

/* Called on the apply thread, for each revision in order, after its state is visible to new views and before
 * anybody who waits for it is woken. Must be short and must not wait for anything. */
struct kv_observer {
	void (*changed)(void *argument, const struct kv_change *change);
	/* The whole state was replaced (a snapshot was installed): everything may differ. */
	void (*replaced)(void *argument, int64_t revision);
	void *argument;
	/* Likewise, for what happens to leases, in the order of the log. May be NULL. */
	void (*leased)(void *argument, const struct kv_lease_event *event);
};

/* ---- reading ---- */

struct kv; /* the store, for readers */

/* A pinned, consistent state: reads of it see exactly the state after one applied index. ON_ANY_THREAD; a view is
 * used by one thread at a time. Cheap (a microsecond); do not keep one for longer than a request, it pins memory. */
struct kv_view;
struct kv_view *kv_view_open(struct kv *kv); /* never NULL; freed with kv_view_close() */
void kv_view_close(struct kv_view *view);
int64_t kv_view_revision(const struct kv_view *view);
uint64_t kv_view_index(const struct kv_view *view);
int64_t kv_view_compacted(const struct kv_view *view); /* -1: never */

/* All that read may say ERR_CORRUPT or ERR_IO: this node's disk is damaged; it was logged. */

/* Records live in the arena. ERR_NOT_FOUND. */
enum err kv_get(struct kv_view *view, struct bytes key, struct arena *arena, struct kv_record *ret_record) MUST_USE;
/* As it was at a revision: ERR_COMPACTED, ERR_FUTURE, ERR_NOT_FOUND. */
enum err kv_get_at(struct kv_view *view, struct bytes key, int64_t revision, struct arena *arena,
                   struct kv_record *ret_record) MUST_USE;

/* etcd's Range, sorts, filters and all. */
enum err kv_range(struct kv_view *view, const struct kv_range_request *request, struct arena *arena,
                  struct kv_response *ret_response) MUST_USE;

/* The same, a piece at a time. The view is taken, unless it fails: ERR_INVALID, ERR_COMPACTED, ERR_FUTURE. Freed with
 * kv_reading_free(), at any step; what is compacted meanwhile stays readable. */
struct kv_reading;
enum err kv_reading_new(struct kv_view *view, const struct kv_range_request *request,
                        struct kv_reading **ret_reading) MUST_USE;
void kv_reading_free(struct kv_reading *reading);
/* Looks at about so many bytes more, and appends the records to the response's, in the arena, which may be another one, with an
 * empty response, at each step. *ret_done: that was all; only then `count` and `more` stand, and a request that sorts is sorted: it
 * must be gathered in one response. */
enum err kv_reading_step(struct kv_reading *reading, size_t bytes, struct arena *arena, struct kv_response *response,
                         bool *ret_done) MUST_USE;
/* In another order than that of the keys. */
bool kv_range_sorts(const struct kv_range_request *request);

/* A transaction that can change nothing (else ERR_INVALID): nothing but ranges, nested too. As if it had been applied just after the
 * view's index. What the result holds lives in the arena, and its own arena stays empty. ERR_COMPACTED, ERR_FUTURE, ERR_LIMIT,
 * ERR_TOO_LARGE. */
enum err kv_txn_read(struct kv_view *view, const struct kv_txn *txn, struct arena *arena,
                     struct kv_result *ret_result) MUST_USE;

/* The same, a piece at a time. The view is taken, unless it fails; the transaction and the arena are lent until kv_txn_reading_free(),
 * at any step. */
struct kv_txn_reading;
enum err kv_txn_reading_new(struct kv_view *view, const struct kv_txn *txn, struct arena *arena,
                            struct kv_txn_reading **ret_reading) MUST_USE;
void kv_txn_reading_free(struct kv_txn_reading *reading);
/* Looks at about so many bytes more; a compare of a range is looked at whole. *ret_done: that was all, and the result stands, in the arena. */
enum err kv_txn_reading_step(struct kv_txn_reading *reading, size_t bytes, bool *ret_done) MUST_USE;
const struct kv_result *kv_txn_reading_result(const struct kv_txn_reading *reading);

/* A directory: a prefix that ends in '/'. */
struct kv_directory {
	uint64_t id;         /* given when it comes to be: its marker's, if it comes to be by that; kept by moves */
	int64_t children;    /* keys and directories directly in it, its marker not counted */
	int64_t directories; /* of these */
	bool marker;         /* the key `prefix` itself exists */
	int64_t create_revision, create_time_ns;
	int64_t changed_revision, changed_time_ns; /* last change of its membership */
};
/* ERR_NOT_FOUND when no live key is at or below it. */
enum err kv_directory(struct kv_view *view, struct bytes prefix, struct kv_directory *ret_directory) MUST_USE;

/* The children of a directory in the order of their names, as many as are asked for: the cost is theirs, never that of
 * keys further below. A name that is both a key and a directory comes as two children. */
struct kv_child {
	struct bytes name; /* without the prefix and without a trailing '/' */
	bool is_directory;
	struct kv_record record; /* the key; value is left out unless it is at most value_bytes_max. A
					   directory: its marker's record if it has one */
	size_t value_size;
	struct kv_directory directory;
};
/* After (after_name, after_is_directory); ("", false) is before the first, for no key has an empty name (a directory can:
 * the one of "/a//b" in "/a/"). At most `max`; *ret_count < max: that was the last. ERR_NOT_FOUND: no such directory;
 * ERR_INVALID: the prefix does not end in '/'. */
struct kv_list_request {
	struct bytes prefix;
	struct bytes after_name;
	bool after_is_directory;
	size_t max;
	size_t value_bytes_max;
};
enum err kv_list(struct kv_view *view, const struct kv_list_request *request, struct arena *arena,
                 struct kv_child **ret_children, size_t *ret_count) MUST_USE;

/* The change of a revision, from the change log, or of the first changed revision after it up to the view's:
 * ERR_NOT_FOUND when there is none, ERR_COMPACTED. Previous records are looked up when they were not compacted. */
enum err kv_change_from(struct kv_view *view, int64_t revision, struct arena *arena,
                        struct kv_change *ret_change) MUST_USE;
/* The newest change at or before a revision: for walking backwards. */
enum err kv_change_until(struct kv_view *view, int64_t revision, struct arena *arena,
                         struct kv_change *ret_change) MUST_USE;

/* The newest revision that was there at a time (of the clock in the records). ERR_NOT_FOUND: what is kept begins later. */
enum err kv_revision_at(struct kv_view *view, int64_t time_ns, int64_t *ret_revision) MUST_USE;

/* What compaction has left behind is deleted on this node, as of this compacted revision; -1: of none since it was opened.
 * ON_ANY_THREAD */
int64_t kv_swept(struct kv *kv);

struct kv_member_list {
	struct kv_member *members;
	size_t count;
};
enum err kv_members(struct kv_view *view, struct arena *arena, struct kv_member_list *ret_list) MUST_USE;
/* Those that were members and were removed, as they were then. Their ids are never given again. */
enum err kv_members_removed(struct kv_view *view, struct arena *arena, struct kv_member_list *ret_list) MUST_USE;
enum err kv_member_was_removed(struct kv_view *view, uint64_t id, bool *ret_removed) MUST_USE;

/* ERR_LEASE_NOT_FOUND. */
enum err kv_lease(struct kv_view *view, int64_t id, struct kv_lease *ret_lease) MUST_USE;
struct kv_lease_list {
	struct kv_lease *leases;
	size_t count;
};
/* At most `max` in the order of their ids (negative ones last), those that come after `after`; 0: from the first. *ret_list
 * has fewer: that was the last. */
enum err kv_leases(struct kv_view *view, int64_t after, size_t max, struct arena *arena,
                   struct kv_lease_list *ret_list) MUST_USE;
/* The keys that hang on it, in their order; none also if it is not there. */
struct kv_key_list {
	struct bytes *keys;
	size_t count;
};
enum err kv_lease_keys(struct kv_view *view, int64_t id, struct arena *arena, struct kv_key_list *ret_list) MUST_USE;

struct kv_alarm_list {
	struct kv_alarm *alarms;
	size_t count;
};
enum err kv_alarms(struct kv_view *view, struct arena *arena, struct kv_alarm_list *ret_list) MUST_USE;

struct kv_stats {
	int64_t keys;          /* live keys, exact */
	int64_t value_bytes;   /* of live keys, values and attrs, exact: what the quota counts */
	uint64_t disk_bytes;   /* of RocksDB's files */
	uint64_t frame_bytes;  /* of these: what there is also without any row */
	uint64_t memory_bytes; /* RocksDB's memtables, block cache and table readers */
	uint64_t checksum;     /* rolling, over all applied entries: of the view's index */
	/* As it was at the newest index that 1024 divides: what nodes can compare, wherever their views stand. 0: none yet. */
	uint64_t mark_index, mark_checksum;
};
enum err kv_stats(struct kv_view *view, struct kv_stats *ret_stats) MUST_USE;

/* ---- all of it, a step at a time ---- */

/* A checksum of what readers may see at the revisions from the compacted one to `revision`: alike on all members that have the
 * same compacted revision, whatever else each has cleaned up. The view is taken, unless it fails: ERR_COMPACTED, ERR_FUTURE.
 * Freed with kv_digest_free(), at any step. */
struct kv_digest;
enum err kv_digest_new(struct kv_view *view, int64_t revision, struct kv_digest **ret_digest) MUST_USE;
void kv_digest_free(struct kv_digest *digest);
/* Reads about so many bytes more. *ret_done: that was all, and the value stands. */
enum err kv_digest_step(struct kv_digest *digest, size_t bytes, bool *ret_done) MUST_USE;
uint32_t kv_digest_value(const struct kv_digest *digest);

/* The whole state of a view as one run of bytes, from which it can be made anew: docs/disk-format.md. Its size is a multiple of
 * KV_ARCHIVE_BLOCK_BYTES. The view is taken. Freed with kv_archive_free(), at any step. */
enum { KV_ARCHIVE_BLOCK_BYTES = 512 };
struct kv_archive;
struct kv_archive *kv_archive_new(struct kv_view *view);
void kv_archive_free(struct kv_archive *archive);
/* Appends about so many bytes more, or one row that is larger. *ret_done: that was the end. ERR_TOO_LARGE: the buffer's maximum
 * does not hold a row. */
enum err kv_archive_step(struct kv_archive *archive, size_t bytes, struct buffer *buffer, bool *ret_done) MUST_USE;
