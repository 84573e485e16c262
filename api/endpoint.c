/* SPDX-License-Identifier: Apache-2.0 */
#include "api/endpoint.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/gateway.h"
#include "api/rpc.h"
#include "base/check.h"

enum {
	ENDPOINT_METRICS_BYTES_MAX = 2 << 20,
	ENDPOINT_BODY_BYTES_MAX = 64 << 10, /* nobody reads it: it is borne with */
};

void endpoint_text(struct exchange *exchange, int status, const char *text)
{
	exchange->response.status = status;
	exchange->response.body = arena_dup(&exchange->arena, bytes_of_string(text));
}

static void endpoint_version(struct exchange *exchange)
{
	json_t *object =
	    json_pack("{ssssssss}", "etcdserver", RPC_ETCD_VERSION, "etcdcluster", RPC_ETCD_CLUSTER_VERSION, "storage",
	              RPC_ETCD_STORAGE_VERSION, "etcfs", exchange->service->version);
	char *text = json_dumps(object, JSON_COMPACT);
	exchange->response.content_type = "application/json";
	endpoint_text(exchange, 200, text);
	free(text);
	json_decref(object);
	exchange_answer(exchange);
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
	exchange_answer(exchange);
}

/* ---- the table ---- */

static const struct {
	const char *path;
	void (*run)(struct exchange *exchange);
} endpoints[] = {
    {"/health", health_run_etcd},
    {"/version", endpoint_version},
    {"/metrics", endpoint_metrics},
};

/* NULL: there is nothing. */
static void (*endpoint_find(const char *path))(struct exchange *exchange)
{
	for (size_t at = 0; at < sizeof endpoints / sizeof *endpoints; at++)
		if (strcmp(endpoints[at].path, path) == 0)
			return endpoints[at].run;
	return health_serves(path) ? health_run : NULL;
}

static void endpoint_whole(struct exchange *exchange)
{
	void (*run)(struct exchange * exchange) = endpoint_find(exchange->request.path);
	if (strcmp(exchange->request.method, "OPTIONS") == 0) {
		endpoint_text(exchange, 200, "");
		exchange_answer(exchange);
	} else if (run == NULL) {
		endpoint_text(exchange, 404,
		              "there are /health, /livez, /readyz, /version, /metrics, and etcd's API below /v3/\n");
		exchange_answer(exchange);
	} else if (strcmp(exchange->request.method, "GET") != 0) {
		exchange->response.allow = "GET";
		endpoint_text(exchange, 405, "Method Not Allowed\n");
		exchange_answer(exchange);
	} else {
		run(exchange);
	}
}

static const struct exchange_handler endpoint_handler = {
    .body = EXCHANGE_BODY_PASSED_OVER, .body_bytes_max = ENDPOINT_BODY_BYTES_MAX, .whole = endpoint_whole};

void endpoint_choose(struct exchange *exchange)
{
	exchange->handler = gateway_handler_of(exchange);
	if (exchange->handler == NULL)
		exchange->handler = &endpoint_handler;
}
