/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoint.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

enum { ENDPOINT_METRICS_BYTES_MAX = 2 << 20 };

/* ---- answers ---- */

static void endpoint_text(struct exchange *exchange, int status, const char *text)
{
	exchange->response.status = status;
	exchange->response.body = arena_dup(&exchange->arena, bytes_of_string(text));
}

/* The object is taken. */
static void endpoint_json(struct exchange *exchange, int status, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	exchange->response.content_type = "application/json";
	endpoint_text(exchange, status, text);
	free(text);
	json_decref(object);
}

/* ---- waiting for the read barrier ---- */

static void endpoint_is_ready(void *argument, enum err err)
{
	struct exchange *exchange = argument;
	exchange->err = err;
	reactor_post(exchange->service->reactor, &exchange->task);
}

static void endpoint_wait(struct exchange *exchange, void (*done)(struct reactor_task *))
{
	const struct service *service = exchange->service;
	bool pending = false;
	exchange->task.run = done;
	/* From here the completion may write to the exchange: nothing is touched any more unless it will not run. */
	enum err err = replica_barrier(service->replica, clock_steady_ns() + service->read_timeout_ms * CLOCK_NS_PER_MS,
	                               endpoint_is_ready, exchange, &pending);
	if (err == ERR_OK && pending)
		return;
	exchange->err = err;
	done(&exchange->task);
}

/* ---- checks of the health, as etcd's: /livez, /readyz ---- */

struct health {
	bool damaged, reads, has_leader, voter;
};

static struct health health_look(struct exchange *exchange)
{
	struct replica_status status = {0};
	replica_status(exchange->service->replica, &exchange->arena, &status);
	struct health health = {.damaged = status.damaged || status.differs, .has_leader = status.has_quorum};
	for (size_t at = 0; at < status.member_count; at++)
		health.voter = health.voter || (status.members[at].self && status.members[at].is_voter);
	struct kv_view *view = kv_view_open(replica_kv(exchange->service->replica));
	struct kv_stats stats;
	health.reads = kv_stats(view, &stats) == ERR_OK;
	kv_view_close(view);
	return health;
}

static void health_line(struct buffer *text, const char *name, enum err err)
{
	buffer_put(text, bytes_of_string(err == ERR_OK ? "[+]" : "[-]"));
	buffer_put(text, bytes_of_string(name));
	buffer_put(text, bytes_of_string(err == ERR_OK ? " ok\n" : " failed: "));
	if (err == ERR_OK)
		return;
	buffer_put(text, bytes_of_string(err_text(err)));
	buffer_put(text, BYTES_LITERAL("\n"));
}

/* "ok", or a line for each check when one failed or they were asked for. */
static void health_answer(struct exchange *exchange, const char *const *names, const enum err *errs, size_t count)
{
	struct buffer text;
	buffer_init(&text, 4096);
	bool good = true;
	for (size_t at = 0; at < count; at++) {
		good = good && errs[at] == ERR_OK;
		health_line(&text, names[at], errs[at]);
	}
	buffer_put_u8(&text, '\0');
	bool lines = !good || strstr(exchange->request.query, "verbose") != NULL;
	endpoint_text(exchange, good ? 200 : 503, lines ? (const char *)text.data : "ok\n");
	buffer_fini(&text);
	exchange_finish(exchange);
}

static void endpoint_livez(struct exchange *exchange)
{
	struct health health = health_look(exchange);
	const char *const names[] = {"serializable_read"};
	const enum err errs[] = {health.reads ? ERR_OK : ERR_IO};
	health_answer(exchange, names, errs, 1);
}

static void endpoint_readyz_done(struct reactor_task *task)
{
	struct exchange *exchange = (struct exchange *)task;
	struct health health = health_look(exchange);
	const char *const names[] = {"data_corruption", "serializable_read", "linearizable_read", "non_learner"};
	const enum err errs[] = {health.damaged ? ERR_DAMAGED : ERR_OK, health.reads ? ERR_OK : ERR_IO, exchange->err,
	                         health.voter ? ERR_OK : ERR_UNSUPPORTED};
	health_answer(exchange, names, errs, sizeof errs / sizeof *errs);
}

static void endpoint_readyz(struct exchange *exchange)
{
	endpoint_wait(exchange, endpoint_readyz_done);
}

/* ---- /health: etcd's answer, for those who already read it ---- */

static void endpoint_health_answer(struct exchange *exchange, const char *reason)
{
	bool good = reason[0] == '\0';
	endpoint_json(exchange, good ? 200 : 503,
	              json_pack("{ssss}", "health", good ? "true" : "false", "reason", reason));
	exchange_finish(exchange);
}

static void endpoint_health_done(struct reactor_task *task)
{
	struct exchange *exchange = (struct exchange *)task;
	endpoint_health_answer(
	    exchange,
	    exchange->err == ERR_OK ? "" : arena_format(&exchange->arena, "RANGE ERROR:%s", err_text(exchange->err)));
}

static void endpoint_health(struct exchange *exchange)
{
	struct health health = health_look(exchange);
	bool local = strstr(exchange->request.query, "serializable=true") != NULL;
	if (health.damaged)
		endpoint_health_answer(exchange, "ALARM CORRUPT");
	else if (!local && !health.has_leader)
		endpoint_health_answer(exchange, "RAFT NO LEADER");
	else if (local)
		endpoint_health_answer(exchange, health.reads ? "" : "RANGE ERROR:the store cannot be read");
	else
		endpoint_wait(exchange, endpoint_health_done);
}

/* ---- the rest ---- */

static void endpoint_version(struct exchange *exchange)
{
	endpoint_json(exchange, 200, json_pack("{ss}", "etcfs", exchange->service->version));
	exchange_finish(exchange);
}

static void endpoint_metrics(struct exchange *exchange)
{
	struct buffer text;
	buffer_init(&text, ENDPOINT_METRICS_BYTES_MAX);
	enum err err = replica_metrics(exchange->service->replica, &text);
	exchange->response = (struct http_response){.status = err == ERR_OK ? 200 : 503,
	                                            .content_type = "text/plain; version=0.0.4; charset=utf-8",
	                                            .body = arena_dup(&exchange->arena, buffer_bytes(&text))};
	buffer_fini(&text);
	exchange_finish(exchange);
}

/* ---- the table ---- */

static const struct {
	const char *path;
	void (*run)(struct exchange *exchange);
} endpoints[] = {
    {"/health", endpoint_health},   {"/livez", endpoint_livez},     {"/readyz", endpoint_readyz},
    {"/version", endpoint_version}, {"/metrics", endpoint_metrics},
};

static void endpoint_absent(struct exchange *exchange)
{
	bool gateway = strncmp(exchange->request.path, "/v3", 3) == 0;
	endpoint_text(exchange, 404,
	              gateway ? "the etcd API is not served yet; use the mount, or etcfs get and put\n"
	                      : "there are /health, /livez, /readyz, /version and /metrics\n");
	exchange_finish(exchange);
}

static void endpoint_wrong_method(struct exchange *exchange)
{
	exchange->response.allow = "GET";
	endpoint_text(exchange, 405, "only GET\n");
	exchange_finish(exchange);
}

void endpoint_run(struct exchange *exchange)
{
	size_t at = 0, count = sizeof endpoints / sizeof *endpoints;
	while (at < count && strcmp(endpoints[at].path, exchange->request.path) != 0)
		at++;
	if (at == count)
		endpoint_absent(exchange);
	else if (exchange->request.method != HTTP_GET)
		endpoint_wrong_method(exchange);
	else
		endpoints[at].run(exchange);
}
