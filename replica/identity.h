/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this node is, on disk: the data directory's lock, and the file `identity` that says to which member of which cluster
 * the directory belongs. What is there wins over what the command line says of the cluster; what contradicts it is refused
 * before anything is touched.
 *
 * Ids are derived as etcd does: a member's from its peer URL and the cluster's token, the cluster's from its members', so that
 * all who are given the same initial cluster agree without a word.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "replica/replica.h"
#include "store/kv.h"

struct identity {
	uint64_t cluster, member, token;
	uint64_t
	    directory; /* a random number of this data directory: the member's next one, if this is lost, has another */
	uint64_t boot; /* starts so far: the incarnation */
	/* The longest election timeout under which it may have promised a leader not to vote for another, and still be held
	 * to it. */
	uint32_t promised_ms;
	bool formed; /* log and store were made: from then on, one that is missing was lost */
	bool joined; /* it was let into a cluster that was there */
	/* The others have told that this is the first directory of this member: until then it promises nothing to anybody. */
	bool confirmed;
	bool removed;               /* the member was taken out of the cluster, for ever */
	const char *name;           /* of this member */
	struct kv_member *members;  /* the initial ones of the cluster, ascending by id; of a joiner: without itself */
	struct kv_member *contacts; /* of a joiner: who was a member when it was let in */
	size_t member_count, contact_count;
};

/* Makes the directory when it is absent, and locks it for this process. ERR_LOCKED (logged with the pid), ERR_PERMISSION,
 * ERR_IO. *ret_lock: an open file, closed to unlock. */
enum err identity_lock(const char *data_directory, int *ret_lock) MUST_USE;

/* Logs that the member of this directory was removed from its cluster, and what to do. */
void identity_say_removed(const char *data_directory, const struct identity *identity);

/* Derived from the options alone. ERR_INVALID: no members, too many, a name or URL twice, or this node is not among them. */
enum err identity_derive(const struct replica_options *options, struct arena *arena,
                         struct identity *ret_identity) MUST_USE;

/* What the directory says; all lives in the arena. ERR_NOT_FOUND: no identity and nothing else of ours either: a new one.
 * ERR_DAMAGED: the identity alone is missing. ERR_FORMAT_NEWER, ERR_CORRUPT, ERR_PERMISSION, ERR_IO. Logged but NOT_FOUND. */
enum err identity_load(const char *data_directory, struct arena *arena, struct identity *ret_identity) MUST_USE;
enum err identity_save(const char *data_directory, const struct identity *identity) MUST_USE;

/* Does what is stored fit what was asked for? `derived` of a node that names no cluster (a joiner's second start) is of one
 * member. ERR_WRONG_MEMBER, ERR_WRONG_CLUSTER, ERR_REMOVED; logged with the remedy. */
enum err identity_check(const char *data_directory, const struct identity *stored,
                        const struct identity *derived) MUST_USE;
