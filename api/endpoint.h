/* SPDX-License-Identifier: Apache-2.0 */
/* What each path of the client port answers. */
#pragma once

#include "api/exchange.h"

/* Gives the exchange its handler, by its path. */
void endpoint_choose(struct exchange *exchange);
/* Text for people, or for scripts. */
void endpoint_text(struct exchange *exchange, int status, const char *text);

/* ---- health.c ---- */

/* /livez, /readyz and what is below them; false: it is none of them. */
bool health_serves(const char *path);
void health_run(struct exchange *exchange);
/* /health */
void health_run_etcd(struct exchange *exchange);
