/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/stream.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

enum { STREAM_COMPLAINT_NS_MIN = 1000000000 }; /* between two lines about strangers */

enum err stream_err(int error)
{
	switch (error) {
	case 0:
		return ERR_OK;
	case NNG_EADDRINUSE:
		return ERR_ADDRESS_IN_USE;
	case NNG_EPERM:
		return ERR_PERMISSION;
	case NNG_EADDRINVAL:
	case NNG_EINVAL:
	case NNG_ENOTSUP:
		return ERR_ADDRESS_INVALID;
	case NNG_ECLOSED:
	case NNG_ECONNSHUT:
	case NNG_ECONNRESET:
		return ERR_CLOSED;
	default:
		return ERR_UNREACHABLE;
	}
}

void stream_hello(const struct transport *transport, uint64_t to, enum transport_verdict verdict, struct buffer *buffer)
{
	Peer__Envelope envelope = PEER__ENVELOPE__INIT;
	Peer__Hello hello = PEER__HELLO__INIT;
	hello.magic = TRANSPORT_MAGIC;
	hello.version = TRANSPORT_PROTOCOL;
	hello.cluster = transport->options.cluster;
	hello.from = transport->options.member;
	hello.to = to;
	hello.incarnation = transport->options.incarnation;
	hello.election_timeout_ms = transport->options.election_timeout_ms;
	hello.name = (char *)transport->options.name;
	hello.directory = transport->options.directory;
	hello.fresh = transport->options.is_fresh(transport->options.argument);
	hello.verdict = verdict;
	envelope.cluster = hello.cluster;
	envelope.from = hello.from;
	envelope.to = to;
	envelope.body_case = PEER__ENVELOPE__BODY_HELLO;
	envelope.hello = &hello;
	buffer_clear(buffer);
	enum err err = frame_pack(&envelope, buffer);
	check(err == ERR_OK);
}

static const char *stream_hello_fault(const struct transport *transport, const Peer__Hello *hello, uint64_t peer)
{
	if (hello->magic != TRANSPORT_MAGIC)
		return "it is not one of us";
	if (hello->version != TRANSPORT_PROTOCOL)
		return "it speaks another version of the protocol";
	if (hello->cluster != transport->options.cluster)
		return "it belongs to another cluster";
	if (hello->to != transport->options.member)
		return "it means another member";
	if (hello->election_timeout_ms != transport->options.election_timeout_ms)
		return "it has another election timeout";
	if (hello->from == 0 || hello->from == transport->options.member)
		return "it has no id of its own";
	if (peer != 0 && hello->from != peer)
		return "another member answers there";
	return NULL;
}

bool stream_may_complain(struct transport *transport)
{
	uint64_t now_ns = clock_steady_ns();
	pthread_mutex_lock(&transport->mutex);
	bool may = now_ns - transport->complained_ns >= STREAM_COMPLAINT_NS_MIN;
	if (may)
		transport->complained_ns = now_ns;
	pthread_mutex_unlock(&transport->mutex);
	return may;
}

bool stream_hello_is_good(struct transport *transport, const Peer__Envelope *envelope, uint64_t peer)
{
	bool is_hello = envelope->body_case == PEER__ENVELOPE__BODY_HELLO;
	const char *fault = is_hello ? stream_hello_fault(transport, envelope->hello, peer) : "it did not say hello";
	if (fault == NULL)
		return true;
	if (stream_may_complain(transport))
		log_warn("peer_refused", "reason=\"%s\" name=%.64s from=%016" PRIx64 " cluster=%016" PRIx64, fault,
		         is_hello ? envelope->hello->name : "", envelope->from, envelope->cluster);
	return false;
}

enum transport_verdict stream_judge(struct transport *transport, const Peer__Hello *hello)
{
	static const char *const reasons[] = {
	    [TRANSPORT_REMOVED] = "it was removed from the cluster",
	    [TRANSPORT_OTHER_DIRECTORY] = "it has lost its data directory, and with it what it had promised",
	};
	enum transport_verdict verdict = transport->options.judge(transport->options.argument, hello);
	if (verdict != TRANSPORT_WELCOME && stream_may_complain(transport))
		log_warn("peer_refused", "reason=\"%s\" name=%.64s from=%016" PRIx64, reasons[verdict], hello->name,
		         hello->from);
	return verdict;
}

/* NULL: it never said hello, or was forgotten. The mutex is held. */
static struct stream_peer *stream_peer_find(struct transport *transport, uint64_t id)
{
	for (size_t i = 0; i < transport->peer_count; i++)
		if (transport->peers[i].id == id)
			return &transport->peers[i];
	return NULL;
}

/* Its slot, or a new one: of them all, that of whoever was silent for longest goes first. The mutex is held. */
static struct stream_peer *stream_peer(struct transport *transport, uint64_t id)
{
	struct stream_peer *peer = stream_peer_find(transport, id);
	if (peer != NULL)
		return peer;
	if (transport->peer_count < LIMIT_MEMBERS) {
		peer = &transport->peers[transport->peer_count++];
	} else {
		peer = &transport->peers[0];
		for (size_t i = 1; i < LIMIT_MEMBERS; i++)
			if (transport->peers[i].heard_ns < peer->heard_ns)
				peer = &transport->peers[i];
	}
	*peer = (struct stream_peer){.id = id};
	return peer;
}

void stream_peer_forget(struct transport *transport, uint64_t id)
{
	pthread_mutex_lock(&transport->mutex);
	struct stream_peer *peer = stream_peer_find(transport, id);
	if (peer != NULL)
		*peer = transport->peers[--transport->peer_count];
	pthread_mutex_unlock(&transport->mutex);
}

bool stream_peer_hello(struct transport *transport, uint64_t id, uint64_t incarnation)
{
	pthread_mutex_lock(&transport->mutex);
	struct stream_peer *peer = stream_peer(transport, id);
	bool good = incarnation >= peer->incarnation;
	if (good) {
		peer->incarnation = incarnation;
		peer->heard_ns = clock_steady_ns();
	}
	pthread_mutex_unlock(&transport->mutex);
	return good;
}

void stream_peer_heard(struct transport *transport, uint64_t id)
{
	pthread_mutex_lock(&transport->mutex);
	struct stream_peer *peer = stream_peer_find(transport, id);
	if (peer != NULL)
		peer->heard_ns = clock_steady_ns();
	pthread_mutex_unlock(&transport->mutex);
}

uint64_t stream_peer_heard_ns(struct transport *transport, uint64_t id)
{
	pthread_mutex_lock(&transport->mutex);
	const struct stream_peer *peer = stream_peer_find(transport, id);
	uint64_t heard_ns = peer != NULL ? peer->heard_ns : 0;
	pthread_mutex_unlock(&transport->mutex);
	return heard_ns;
}
