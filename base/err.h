/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions of this system: one closed list for all folders.
 *
 * A condition is a fact of ours ("the data directory is locked"), never an errno or a library's code. The
 * function that first sees a foreign error translates it and logs it, once. Each rim (errno for the kernel,
 * exit status and text for the command line) maps conditions in a switch without default.
 */
#pragma once

#define ERR_LIST(X)                                                                                                    \
	X(OK, "success")                                                                                               \
	X(INVALID, "the argument is not valid")                                                                        \
	X(NOT_FOUND, "there is no such thing")                                                                         \
	X(EXISTS, "it exists already")                                                                                 \
	X(CONFLICT, "somebody else changed it first")                                                                  \
	X(TOO_LARGE, "it is larger than the limit")                                                                    \
	X(LIMIT, "a limit on their number is reached")                                                                 \
	X(BUSY, "too much is under way already; try again")                                                            \
	X(UNSUPPORTED, "this is not supported")                                                                        \
	X(COMPACTED, "the revision has been compacted")                                                                \
	X(FUTURE, "the revision is in the future")                                                                     \
	X(QUOTA, "the store has reached its quota")                                                                    \
	X(LEASE_NOT_FOUND, "there is no such lease")                                                                   \
	X(LEASE_EXISTS, "the lease exists already")                                                                    \
	X(DUPLICATE_KEY, "the transaction names a key twice")                                                          \
	X(NOT_LEADER, "this node is not the leader")                                                                   \
	X(NO_LEADER, "there is no leader")                                                                             \
	X(TIMEOUT, "no answer in time; nothing was changed")                                                           \
	X(UNKNOWN_OUTCOME, "no answer in time; the change may still happen")                                           \
	X(STALE_SESSION, "this node's session was replaced by a newer one")                                            \
	X(CANCELED, "canceled by the caller")                                                                          \
	X(STOPPED, "the node is stopping")                                                                             \
	X(IO, "a read or write of the disk failed")                                                                    \
	X(NO_SPACE, "the disk is full")                                                                                \
	X(CORRUPT, "stored data fails its checksum")                                                                   \
	X(DAMAGED, "the log or the vote of this node is damaged or missing")                                           \
	X(FORMAT_NEWER, "the data was written by a newer version")                                                     \
	X(WRONG_CLUSTER, "it belongs to another cluster")                                                              \
	X(WRONG_MEMBER, "it belongs to another member")                                                                \
	X(REMOVED, "this member was removed from the cluster")                                                         \
	X(LOCKED, "another process uses it")                                                                           \
	X(PERMISSION, "permission denied")                                                                             \
	X(ADDRESS_IN_USE, "the address is in use")                                                                     \
	X(ADDRESS_INVALID, "the address cannot be used")                                                               \
	X(UNREACHABLE, "the other side cannot be reached")                                                             \
	X(PROTOCOL, "the other side does not speak our protocol")                                                      \
	X(CLOSED, "the connection was closed")                                                                         \
	X(MOUNT, "the filesystem could not be mounted")

enum err {
#define ERR_ENUM(name, text) ERR_##name,
	ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
};

#define MUST_USE __attribute__((warn_unused_result))

/* "NOT_FOUND". Static storage. */
const char *err_name(enum err err);
/* "there is no such thing". Static storage. */
const char *err_text(enum err err);
/* The condition behind an errno of a disk or file call. The caller logs it. */
enum err err_from_errno(int error);
