/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/transport.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"
#include "replica/stream.h"

/* After an accept that failed (no descriptors, no memory) before the next. */
enum { TRANSPORT_ACCEPT_PAUSE_MS = 100 };

static void transport_accept(struct transport *transport)
{
	nng_stream_listener *listener = transport->listener;
	nng_aio *accepting = transport->accepting;
	stream_give(&transport->turn);
	nng_stream_listener_accept(listener, accepting);
}

static void transport_accepted(void *argument)
{
	struct transport *transport = argument;
	stream_take(&transport->turn);
	int error = nng_aio_result(transport->accepting);
	nng_stream *stream = error == 0 ? nng_aio_get_output(transport->accepting, 0) : NULL;
	if (stream != NULL) {
		nng_aio_set_output(transport->accepting, 0, NULL); /* a pause has none */
		inbound_accept(transport, stream);
	}
	nng_aio *accepting = transport->accepting;
	bool over = atomic_load(&transport->stopping) || error == NNG_ECLOSED || error == NNG_ECANCELED;
	if (!over && error == 0) {
		transport_accept(transport);
		return;
	}
	stream_give(&transport->turn);
	if (!over)
		nng_sleep_aio(TRANSPORT_ACCEPT_PAUSE_MS, accepting);
}

static enum err transport_listen(struct transport *transport)
{
	int error = nng_stream_listener_alloc(&transport->listener, transport->options.listen_url);
	if (error == 0) /* of the answers to hellos; see link.c */
		error = nng_stream_listener_set_bool(transport->listener, NNG_OPT_TCP_NODELAY, true);
	if (error == 0)
		error = nng_stream_listener_set_bool(transport->listener, NNG_OPT_TCP_KEEPALIVE, true);
	if (error == 0)
		error = nng_stream_listener_listen(transport->listener);
	if (error == 0)
		return ERR_OK;
	enum err err = stream_err(error);
	log_error("listen_failed", "url=%s error=\"%s\" remedy=\"%s\"", transport->options.listen_url,
	          nng_strerror(error),
	          err == ERR_ADDRESS_IN_USE ? "stop the program that has this port, or listen on another one"
	                                    : "listen on an address of this machine, as tcp://HOST:PORT");
	return err == ERR_ADDRESS_IN_USE || err == ERR_PERMISSION ? err : ERR_ADDRESS_INVALID;
}

enum err transport_open(const struct transport_options *options, struct transport **ret_transport)
{
	struct transport *transport = memory_new(sizeof *transport);
	transport->options = *options;
	transport->options.name = memory_dup_string(options->name);
	transport->options.listen_url = memory_dup_string(options->listen_url);
	pthread_mutex_init(&transport->mutex, NULL);
	pthread_cond_init(&transport->inbound_gone, NULL);
	LIST_INIT(&transport->inbounds);
	int failed = nng_aio_alloc(&transport->accepting, transport_accepted, transport);
	check(failed == 0);
	enum err err = transport_listen(transport);
	if (err != ERR_OK) {
		transport_close(transport);
		return err;
	}
	*ret_transport = transport;
	return ERR_OK;
}

static struct link *transport_link(struct transport *transport, uint64_t peer)
{
	size_t count = atomic_load(&transport->link_count);
	for (size_t i = 0; i < count; i++)
		if (link_peer(transport->links[i]) == peer)
			return transport->links[i];
	return NULL;
}

enum err transport_peer(struct transport *transport, uint64_t peer, const char *name, const char *url)
{
	check(peer != 0 && peer != transport->options.member);
	struct link *link = transport_link(transport, peer);
	if (link == NULL) {
		size_t count = atomic_load(&transport->link_count);
		if (count == TRANSPORT_LINKS_MAX)
			return ERR_LIMIT;
		link = link_new(transport, peer, name);
		transport->links[count] = link;
		atomic_store(&transport->link_count, count + 1);
	}
	return link_direct(link, url);
}

void transport_forget(struct transport *transport, uint64_t peer)
{
	struct link *link = transport_link(transport, peer);
	if (link != NULL)
		link_rest(link);
	stream_peer_forget(transport, peer);
	pthread_mutex_lock(&transport->mutex);
	inbound_close_all(transport, peer, NULL);
	pthread_mutex_unlock(&transport->mutex);
}

static size_t transport_add_id(uint64_t *ids, size_t count, size_t max, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return count;
	if (count < max)
		ids[count++] = id;
	return count;
}

size_t transport_peers(struct transport *transport, uint64_t *ids, size_t max)
{
	size_t count = 0, links = atomic_load(&transport->link_count);
	for (size_t i = 0; i < links; i++)
		if (!link_is_resting(transport->links[i]))
			count = transport_add_id(ids, count, max, link_peer(transport->links[i]));
	pthread_mutex_lock(&transport->mutex);
	for (size_t i = 0; i < transport->peer_count; i++)
		count = transport_add_id(ids, count, max, transport->peers[i].id);
	pthread_mutex_unlock(&transport->mutex);
	return count;
}

void transport_answer(struct transport *transport, uint64_t ticket, const Peer__JoinAnswer *answer)
{
	struct inbound *asker = inbound_take_asker(transport, ticket);
	if (asker != NULL)
		inbound_answer(asker, answer);
}

static void transport_dismiss_askers(struct transport *transport)
{
	for (size_t i = 0; i < TRANSPORT_ASKS_MAX; i++) {
		pthread_mutex_lock(&transport->mutex);
		uint64_t ticket = transport->asks[i].ticket;
		pthread_mutex_unlock(&transport->mutex);
		struct inbound *asker = ticket != 0 ? inbound_take_asker(transport, ticket) : NULL;
		if (asker != NULL)
			inbound_dismiss(asker);
	}
}

void transport_start(struct transport *transport)
{
	check(!atomic_exchange(&transport->started, true));
	transport_accept(transport);
}

void transport_stop(struct transport *transport)
{
	if (!atomic_load(&transport->started) || atomic_exchange(&transport->stopping, true))
		return;
	nng_stream_listener_close(transport->listener);
	nng_aio_stop(transport->accepting);
	stream_take(&transport->turn);
	size_t count = atomic_load(&transport->link_count);
	for (size_t i = 0; i < count; i++)
		link_stop(transport->links[i]);
	transport_dismiss_askers(transport);
	pthread_mutex_lock(&transport->mutex);
	inbound_close_all(transport, 0, NULL);
	while (transport->inbound_count != 0)
		pthread_cond_wait(&transport->inbound_gone, &transport->mutex);
	pthread_mutex_unlock(&transport->mutex);
}

void transport_close(struct transport *transport)
{
	atomic_store(&transport->stopping, true);
	nng_aio_free(transport->accepting);
	if (transport->listener != NULL) {
		nng_stream_listener_close(transport->listener);
		nng_stream_listener_free(transport->listener);
	}
	size_t count = atomic_load(&transport->link_count);
	for (size_t i = 0; i < count; i++)
		link_free(transport->links[i]);
	pthread_cond_destroy(&transport->inbound_gone);
	pthread_mutex_destroy(&transport->mutex);
	free((char *)transport->options.name);
	free((char *)transport->options.listen_url);
	free(transport);
}

enum err transport_send(struct transport *transport, uint64_t peer, struct bytes frame)
{
	struct link *link = transport_link(transport, peer);
	return link != NULL ? link_send(link, frame) : ERR_UNREACHABLE;
}

void transport_flush(struct transport *transport)
{
	size_t count = atomic_load(&transport->link_count);
	for (size_t i = 0; i < count; i++)
		link_flush(transport->links[i]);
}

void transport_review(struct transport *transport, uint64_t now_ns)
{
	size_t count = atomic_load(&transport->link_count);
	for (size_t i = 0; i < count; i++)
		link_review(transport->links[i], now_ns);
}

bool transport_is_up(struct transport *transport, uint64_t peer)
{
	struct link *link = transport_link(transport, peer);
	return link != NULL && link_is_up(link);
}

void transport_stats(struct transport *transport, struct transport_stats *ret_stats)
{
	*ret_stats = (struct transport_stats){
	    .frames_sent = atomic_load(&transport->frames_sent),
	    .bytes_sent = atomic_load(&transport->bytes_sent),
	    .frames_received = atomic_load(&transport->frames_received),
	    .bytes_received = atomic_load(&transport->bytes_received),
	    .frames_dropped = atomic_load(&transport->frames_dropped),
	    .connections_made = atomic_load(&transport->connections_made),
	};
}
