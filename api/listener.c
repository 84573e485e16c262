/* SPDX-License-Identifier: Apache-2.0 */
#include "api/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/control.h"
#include "base/log.h"

enum {
	LISTENER_BACKLOG = 128,
	LISTENER_ACCEPTS_MAX = 16, /* in one turn, so that the connections get theirs */
	/* A stream over HTTP/1.1 may be quiet for ever: whether its client is still there, the kernel finds out. */
	LISTENER_PROBE_S = 30, /* of silence */
	LISTENER_PROBE_AGAIN_S = 10,
	LISTENER_PROBES_MAX = 4, /* without an answer */
};

/* Left alone, the connection would wake the loop for ever. */
static void listener_refuse(struct listener *listener)
{
	log_warn("connection_refused", "protocol=%s reason=\"no descriptors\"", listener->set->protocol->name);
	close(listener->reserve);
	close(accept4(listener->source.fd, NULL, NULL, SOCK_CLOEXEC));
	listener->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void listener_ready(struct reactor_source *source, uint32_t events)
{
	struct listener *listener = (struct listener *)source;
	for (int turn = 0; turn < LISTENER_ACCEPTS_MAX; turn++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			listener_refuse(listener);
		if (fd < 0)
			return;
		connection_open(listener->set, fd);
	}
}

/* The descriptor is taken. */
static enum err listener_begin(struct listener *listener, struct connection_set *set, int fd)
{
	*listener = (struct listener){.source = {.fd = fd, .ready = listener_ready},
	                              .set = set,
	                              .reserve = open("/dev/null", O_RDONLY | O_CLOEXEC)};
	enum err err = reactor_add(set->reactor, &listener->source, EPOLLIN);
	if (err != ERR_OK) {
		close(fd);
		close(listener->reserve);
	}
	return err;
}

void listener_close(struct listener *listener)
{
	reactor_remove(listener->set->reactor, &listener->source);
	close(listener->source.fd);
	close(listener->reserve);
}

/* ---- the control socket ---- */

enum err listener_open_control(struct listener *listener, struct connection_set *set, const char *path)
{
	int fd;
	enum err err = control_listen(path, &fd);
	if (err != ERR_OK) {
		log_error("control_socket_failed", "path=%s reason=\"%s\"", path, err_text(err));
		return err;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return listener_begin(listener, set, fd);
}

/* ---- TCP ---- */

static enum err listener_err_of_errno(int error)
{
	switch (error) {
	case EADDRINUSE:
		return ERR_ADDRESS_IN_USE;
	case EADDRNOTAVAIL:
		return ERR_ADDRESS_INVALID;
	case EACCES:
		return ERR_PERMISSION;
	default:
		return ERR_LIMIT;
	}
}

static const char *listener_remedy(enum err err)
{
	if (err == ERR_ADDRESS_IN_USE)
		return "another program listens there: see `ss -ltnp`, or give --listen-client-urls another port";
	if (err == ERR_ADDRESS_INVALID)
		return "it is no address of this machine: see --listen-client-urls";
	return "see --listen-client-urls";
}

/* Accepted sockets inherit it all. */
static void listener_set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
	    {SOL_SOCKET, SO_REUSEADDR, 1},
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, LISTENER_PROBE_S},
	    {IPPROTO_TCP, TCP_KEEPINTVL, LISTENER_PROBE_AGAIN_S},
	    {IPPROTO_TCP, TCP_KEEPCNT, LISTENER_PROBES_MAX},
	};
	for (size_t at = 0; at < sizeof options / sizeof *options; at++)
		setsockopt(fd, options[at].level, options[at].name, &options[at].value, sizeof options[at].value);
}

static enum err listener_bind(const struct addrinfo *info, int *ret_fd)
{
	int one = 1, fd = socket(info->ai_family, info->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, info->ai_protocol);
	if (fd < 0)
		return listener_err_of_errno(errno);
	listener_set_options(fd);
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, LISTENER_BACKLOG) == 0) {
		*ret_fd = fd;
		return ERR_OK;
	}
	enum err err = listener_err_of_errno(errno);
	close(fd);
	return err;
}

enum err listener_open_tcp(struct listener *listener, struct connection_set *set, const struct api_address *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list;
	int fd = -1, failure = getaddrinfo(address->host, address->port, &hints, &list);
	if (failure != 0) {
		log_error("listen_failed", "address=%s:%s reason=\"%s\"", address->host, address->port,
		          gai_strerror(failure));
		return ERR_ADDRESS_INVALID;
	}
	enum err err = listener_bind(list, &fd);
	freeaddrinfo(list);
	if (err != ERR_OK) {
		log_error("listen_failed", "address=%s:%s reason=\"%s\" remedy=\"%s\"", address->host, address->port,
		          err_text(err), listener_remedy(err));
		return err;
	}
	return listener_begin(listener, set, fd);
}
