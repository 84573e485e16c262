/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams to the other members: one connection per pair and direction, dialled by whoever sends on it. Nothing is waited
 * for: what does not fit into a peer's bounded queue is dropped and said so. Frames come and go whole; what they mean is not
 * known here, but for the hello that begins each connection and names cluster, member and incarnation of both ends. Or it
 * begins with the ask of one that is no member yet, and ends with the answer to it.
 *
 *     idle --dial--> dialling --hello--> greeting --answer--> up --any failure--> waiting --backoff--> dialling
 *
 * Locks: each link's mutex is a leaf; callbacks run on threads of the library, without any lock held.
 */
#pragma once

#include "base/arena.h"
#include "base/bytes.h"
#include "base/err.h"
#include "replica/frame.h"

enum {
	TRANSPORT_PROTOCOL = 1,
	TRANSPORT_MAGIC = 0x66637465, /* "etcf" */
	TRANSPORT_BACKOFF_MIN_MS = 50,
	TRANSPORT_BACKOFF_MAX_MS = 1000,
	TRANSPORT_HELLO_TIMEOUT_MS = 3000,
	/* A peer that sends nothing for so long is dialled anew: a path that silently lost the connection is else found out
	 * only after minutes. Its statuses come every second. */
	TRANSPORT_SILENCE_MS = 5000,
	TRANSPORT_QUEUE_FRAMES_MAX = 8192,
	TRANSPORT_QUEUE_BYTES_MAX = 2 * (FRAME_HEADER_BYTES + FRAME_BODY_BYTES_MAX),
	TRANSPORT_KEEP_BYTES = 1 << 20, /* of an empty queue's memory */
	TRANSPORT_READ_BYTES = 64 << 10,
	TRANSPORT_STRANGER_BYTES_MAX = 4096, /* of what may be said before it is known who says it */
	/* Connections whose other end has not said who it is. One more, and the oldest is hung up on: so strangers can keep
	 * nobody out. All members may come at once. */
	TRANSPORT_STRANGERS_MAX = LIMIT_MEMBERS,
	/* Of each member one, and one that it has just given up. */
	TRANSPORT_INBOUND_MAX = 2 * LIMIT_MEMBERS + TRANSPORT_STRANGERS_MAX,
	TRANSPORT_ASKS_MAX = 8, /* to join, under way at once */
	/* Two lists of all members with their names and addresses. */
	TRANSPORT_ANSWER_BYTES_MAX = 2 * LIMIT_MEMBERS * (2 * LIMIT_MEMBER_STRING_BYTES + 64),
	TRANSPORT_ANSWER_TIMEOUT_MS = 10000,
	TRANSPORT_LINKS_MAX = 4 * LIMIT_MEMBERS, /* to all that were members since the start */
};

/* What a member makes of a hello; it says so in its answer (peer.proto). */
enum transport_verdict {
	TRANSPORT_WELCOME,
	TRANSPORT_REMOVED,         /* it was a member, and was removed */
	TRANSPORT_OTHER_DIRECTORY, /* it had another data directory when it promised something to this member */
};

struct transport;

struct transport_options {
	uint64_t cluster, member, incarnation;
	uint64_t directory;           /* the number of this member's data directory */
	uint32_t election_timeout_ms; /* members of a cluster have the same */
	const char *name;
	const char *listen_url;
	/* A checked frame of a member that said hello: the envelope lives in the arena, both are taken when it returns true. */
	bool (*received)(void *argument, struct arena *arena, Peer__Envelope *envelope);
	/* Messages to this peer may have been lost. */
	void (*unreachable)(void *argument, uint64_t peer);
	/* Has this member promised nothing to anybody yet? For its hellos. */
	bool (*is_fresh)(void *argument);
	/* Of a peer that said hello, or answered one. */
	enum transport_verdict (*judge)(void *argument, const Peer__Hello *hello);
	/* How a peer judged this member. */
	void (*judged)(void *argument, const Peer__Hello *answer);
	/* A peer speaks on a connection for the first time since its hello. False: it is not to be heard. */
	bool (*speaks)(void *argument, uint64_t peer, uint64_t directory);
	/* Somebody asks to join: transport_answer() follows, at any time. */
	void (*asked)(void *argument, uint64_t ticket, const Peer__Join *join);
	void *argument;
};

/* Listens, but hears and dials nobody yet. ERR_ADDRESS_IN_USE, ERR_ADDRESS_INVALID, ERR_PERMISSION: logged. */
enum err transport_open(const struct transport_options *options, struct transport **ret_transport) MUST_USE;
/* Dial this member there from now on; again with another URL: there instead. Before or after the start. */
enum err transport_peer(struct transport *transport, uint64_t peer, const char *name, const char *url) MUST_USE;
/* It is not dialled any more, and has to say hello again. ON_ANY_THREAD */
void transport_forget(struct transport *transport, uint64_t peer);
/* The ids of those that are dialled, or said hello; at most `max`; the number is returned. ON_ANY_THREAD */
size_t transport_peers(struct transport *transport, uint64_t *ids, size_t max);
/* The answer to who asked to join, a whole frame; the connection ends with it. Dropped if the asker is gone. ON_ANY_THREAD */
void transport_answer(struct transport *transport, uint64_t ticket, const Peer__JoinAnswer *answer);
void transport_start(struct transport *transport);
/* After it no callback runs. */
void transport_stop(struct transport *transport);
void transport_close(struct transport *transport);

/* Queues one whole frame. ERR_BUSY: the queue is full; ERR_UNREACHABLE: no connection; both dropped. ON_ANY_THREAD */
enum err transport_send(struct transport *transport, uint64_t peer, struct bytes frame) MUST_USE;
/* What was queued since the last flush goes out, in one write per peer. ON_ANY_THREAD */
void transport_flush(struct transport *transport);
/* Once a second or so: gives up connections to peers that are silent. */

void transport_review(struct transport *transport, uint64_t now_ns);

bool transport_is_up(struct transport *transport, uint64_t peer);

struct transport_stats {
	uint64_t frames_sent, bytes_sent, frames_received, bytes_received, frames_dropped, connections_made;
};
void transport_stats(struct transport *transport, struct transport_stats *ret_stats);
