/* SPDX-License-Identifier: Apache-2.0 */
#include "api/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	CONNECTION_READ_BYTES = 64 << 10,
	CONNECTION_KEPT_BYTES = 64 << 10, /* buffers that grew beyond are given back when they are empty */
	CONNECTION_SWEEP_S = 1,
};

/* ---- closing ---- */

static void connection_free(struct reactor_task *task)
{
	struct connection *connection = (struct connection *)((char *)task - offsetof(struct connection, task));
	buffer_fini(&connection->input);
	buffer_fini(&connection->output);
	free(connection);
}

static void connection_set_sweeping(struct connection_set *set, int seconds)
{
	struct itimerspec every = {.it_interval.tv_sec = seconds, .it_value.tv_sec = seconds};
	int result = timerfd_settime(set->sweeper.fd, 0, &every, NULL);
	check(result == 0);
}

static void connection_unlink(struct connection *connection)
{
	struct connection_set *set = connection->set;
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		set->first = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	set->count--;
	if (set->count == 0)
		connection_set_sweeping(set, 0);
}

void connection_close(struct connection *connection)
{
	if (connection->closed)
		return;
	connection->closed = true;
	connection->protocol->closed(connection);
	connection_unlink(connection);
	reactor_remove(connection->set->reactor, &connection->source);
	close(connection->source.fd);
	connection->task.run = connection_free;
	reactor_defer(connection->set->reactor, &connection->task); /* an event of it may still be in hand */
}

void connection_finish(struct connection *connection)
{
	connection->finishing = true;
	connection_flush(connection);
}

/* ---- what is waited for ---- */

size_t connection_backlog_bytes(const struct connection *connection)
{
	return connection->output.size - connection->output_sent;
}

bool connection_is_busy(const struct connection *connection)
{
	return connection->busy || connection->finishing || connection->closed;
}

static void connection_watch(struct connection *connection)
{
	bool reads = !connection_is_busy(connection) && !connection->ended && !connection->held;
	uint32_t events =
	    (reads ? (uint32_t)EPOLLIN : 0) | (connection_backlog_bytes(connection) > 0 ? (uint32_t)EPOLLOUT : 0);
	reactor_change(connection->set->reactor, &connection->source, events);
}

/* Whether nothing more can come of it. */
static bool connection_is_over(const struct connection *connection)
{
	bool quiet = connection_backlog_bytes(connection) == 0;
	return quiet && (connection->finishing || (connection->ended && !connection->busy));
}

static void connection_settle(struct connection *connection)
{
	if (connection->closed)
		return;
	if (connection_is_over(connection))
		connection_close(connection);
	else
		connection_watch(connection);
}

/* ---- sending ---- */

static void connection_empty(struct buffer *buffer)
{
	if (buffer->capacity <= CONNECTION_KEPT_BYTES) {
		buffer_clear(buffer);
		return;
	}
	size_t size_max = buffer->size_max;
	buffer_fini(buffer);
	buffer_init(buffer, size_max);
}

struct buffer *connection_output(struct connection *connection)
{
	if (connection->output_sent != 0)
		buffer_consume(&connection->output, connection->output_sent);
	connection->output_sent = 0;
	return &connection->output;
}

/* False: the connection is gone. */
static bool connection_send(struct connection *connection)
{
	while (connection_backlog_bytes(connection) > 0) {
		ssize_t sent = send(connection->source.fd, connection->output.data + connection->output_sent,
		                    connection_backlog_bytes(connection), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent < 0)
			return true;
		connection->output_sent += (size_t)sent;
		connection->moved_ns = clock_steady_ns();
	}
	connection->output_sent = 0;
	connection_empty(&connection->output);
	return true;
}

void connection_flush(struct connection *connection)
{
	if (connection->closed)
		return;
	if (connection_send(connection))
		connection_settle(connection);
	else
		connection_close(connection);
}

static void connection_fetched(struct connection *connection)
{
	bool waited = connection_backlog_bytes(connection) > 0;
	connection_flush(connection);
	if (waited && !connection->closed && connection_backlog_bytes(connection) == 0)
		connection->protocol->drained(connection);
}

/* ---- receiving ---- */

static void connection_hand_over(struct connection *connection)
{
	if (connection->begun_ns == 0 && connection->input.size > 0)
		connection->begun_ns = clock_steady_ns();
	connection->receiving = true;
	if (connection->input.size > 0 && !connection_is_busy(connection))
		connection->protocol->received(connection);
	connection->receiving = false;
	if (connection->closed)
		return;
	if (connection->input.size == 0)
		connection_empty(&connection->input);
	connection_settle(connection);
}

static void connection_receive(struct connection *connection)
{
	uint8_t read[CONNECTION_READ_BYTES];
	ssize_t size = recv(connection->source.fd, read, sizeof read, MSG_DONTWAIT);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0 || buffer_append(&connection->input, bytes_of(read, (size_t)size)) != ERR_OK) {
		connection_close(connection);
		return;
	}
	connection->ended = size == 0;
	connection->moved_ns = clock_steady_ns();
	connection_hand_over(connection);
}

void connection_pause(struct connection *connection)
{
	connection->busy = true;
	connection->begun_ns = 0;
}

void connection_listen(struct connection *connection)
{
	connection->listens = true;
	connection->begun_ns = 0;
}

void connection_resume(struct connection *connection)
{
	connection->busy = connection->listens = connection->held = false;
	connection->begun_ns = 0;
	connection->moved_ns = clock_steady_ns();
	connection_flush(connection);
	if (!connection->closed && !connection->receiving)
		connection_hand_over(connection);
}

static void connection_ready(struct reactor_source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)source;
	if (!connection->closed && (events & (EPOLLHUP | EPOLLERR)) != 0 && (events & EPOLLIN) == 0)
		connection_close(connection);
	if (!connection->closed && (events & EPOLLOUT) != 0)
		connection_fetched(connection);
	if (!connection->closed && (events & EPOLLIN) != 0)
		connection_receive(connection);
}

/* ---- opening ---- */

void connection_open(struct connection_set *set, int fd)
{
	if (set->count >= set->protocol->connections_max) {
		log_warn("connection_refused", "protocol=%s connections=%zu", set->protocol->name, set->count);
		close(fd);
		return;
	}
	struct connection *connection = memory_new(sizeof *connection);
	connection->source = (struct reactor_source){.fd = fd, .ready = connection_ready};
	if (reactor_add(set->reactor, &connection->source, EPOLLIN) != ERR_OK) {
		close(fd);
		free(connection);
		return;
	}
	connection->set = set;
	connection->protocol = set->protocol;
	connection->moved_ns = clock_steady_ns();
	buffer_init(&connection->input, set->protocol->input_bytes_max + CONNECTION_READ_BYTES);
	buffer_init(&connection->output, set->protocol->output_bytes_max);
	connection->next = set->first;
	if (set->first != NULL)
		set->first->previous = connection;
	set->first = connection;
	if (set->count == 0)
		connection_set_sweeping(set, CONNECTION_SWEEP_S);
	set->count++;
	set->accepted++;
	connection->protocol->opened(connection);
}

void connection_become(struct connection *connection, const struct connection_protocol *protocol)
{
	check(connection->state == NULL);
	connection->protocol = protocol;
	connection->input.size_max = protocol->input_bytes_max + CONNECTION_READ_BYTES;
	connection->output.size_max = protocol->output_bytes_max;
	protocol->opened(connection);
}

/* ---- the times that a stranger chooses ---- */

static bool connection_is_overdue(const struct connection *connection, uint64_t now_ns)
{
	const struct connection_protocol *protocol = connection->protocol;
	uint64_t still_ms = (now_ns - connection->moved_ns) / CLOCK_NS_PER_MS;
	if (connection_backlog_bytes(connection) > 0)
		return still_ms > protocol->stalled_ms_max;
	if (connection->busy || connection->listens)
		return false;
	if (connection->begun_ns != 0)
		return (now_ns - connection->begun_ns) / CLOCK_NS_PER_MS > protocol->request_ms_max;
	return protocol->idle_ms_max != 0 && still_ms > protocol->idle_ms_max;
}

static void connection_sweep(struct reactor_source *source, uint32_t events)
{
	struct connection_set *set =
	    (struct connection_set *)((char *)source - offsetof(struct connection_set, sweeper));
	uint64_t expirations, now_ns = clock_steady_ns();
	if (read(source->fd, &expirations, sizeof expirations) < 0)
		return;
	for (struct connection *connection = set->first, *next; connection != NULL; connection = next) {
		next = connection->next;
		if (connection_is_overdue(connection, now_ns)) {
			log_info("connection_overdue", "protocol=%s", connection->protocol->name);
			connection_close(connection);
		} else if (connection->protocol->swept != NULL) {
			connection->protocol->swept(connection, now_ns);
		}
	}
}

enum err connection_set_init(struct connection_set *set, struct reactor *reactor,
                             const struct connection_protocol *protocol, void *context)
{
	*set = (struct connection_set){.reactor = reactor, .protocol = protocol, .context = context};
	set->sweeper = (struct reactor_source){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
	                                       .ready = connection_sweep};
	if (set->sweeper.fd < 0) {
		log_error("api_timer_failed", "reason=\"%s\"", strerror(errno));
		return ERR_LIMIT;
	}
	enum err err = reactor_add(reactor, &set->sweeper, EPOLLIN);
	if (err != ERR_OK)
		close(set->sweeper.fd);
	return err;
}

void connection_set_fini(struct connection_set *set)
{
	while (set->first != NULL)
		connection_close(set->first);
	reactor_remove(set->reactor, &set->sweeper);
	close(set->sweeper.fd);
}
