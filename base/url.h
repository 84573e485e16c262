/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs that a node listens on and is known by: tcp://HOST:PORT or tls://HOST:PORT; http and https mean the same. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/problem.h"

struct url {
	bool tls;
	const char *host; /* without the brackets of an IPv6 address */
	const char *port;
};

/* `origin` names the option in the problem. Strings live in the arena. ERR_INVALID. */
enum err url_parse(const char *text, const char *origin, struct arena *arena, struct url *ret_url,
                   struct problem *ret_problem) MUST_USE;

/* The same text for URLs that mean the same, with the given scheme: url_format(&url, "tcp", arena). */
const char *url_format(const struct url *url, const char *scheme, struct arena *arena);
bool url_equal(const struct url *left, const struct url *right);
/* localhost, 127.0.0.0/8, ::1 */
bool url_is_loopback(const struct url *url);
