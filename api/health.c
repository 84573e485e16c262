/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this node is well: /livez and /readyz, check by check, and /health, as etcd's etcdhttp/health.go has them. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/endpoint.h"
#include "api/rpc.h"
#include "base/clock.h"

enum { HEALTH_TEXT_BYTES_MAX = 4096 };

/* ---- the query ---- */

/* Whether it has the name (value NULL), or the name with this value. */
static bool health_asks(const struct exchange *exchange, const char *name, const char *value)
{
	size_t name_size = strlen(name), value_size = value != NULL ? strlen(value) : 0;
	const char *part = exchange->request.query;
	while (*part != '\0') {
		size_t size = strcspn(part, "&");
		bool named = size >= name_size && strncmp(part, name, name_size) == 0;
		const char *rest = part + name_size;
		if (named && value == NULL && (size == name_size || rest[0] == '='))
			return true;
		if (named && value != NULL && size == name_size + 1 + value_size && rest[0] == '=' &&
		    strncmp(rest + 1, value, value_size) == 0)
			return true;
		part += size + (part[size] == '&');
	}
	return false;
}

/* ---- what is looked at ---- */

struct health {
	bool corrupt, no_space; /* by what the node itself knows, or by alarms that concern it */
	bool reads, has_leader, published, voter;
	enum err barrier; /* of a linearizable read, if one was made */
};

/* A member that differs stops nobody else: an alarm that was raised for it by itself is its own. */
static void health_alarm(struct health *health, const struct kv_alarm *alarm, uint64_t self)
{
	if (alarm->kind == KV_ALARM_NOSPACE)
		health->no_space = true;
	else if (!alarm->by_itself || alarm->member == self)
		health->corrupt = true;
}

static struct health health_look(struct exchange *exchange)
{
	struct replica_status status = {0};
	replica_status(exchange->service->replica, &exchange->arena, &status);
	struct health health = {
	    .corrupt = status.damaged || status.differs,
	    .has_leader = status.has_quorum,
	    .published = status.published,
	    .barrier = exchange->err,
	};
	for (size_t at = 0; at < status.alarms.count; at++)
		health_alarm(&health, &status.alarms.alarms[at], status.member_id);
	for (size_t at = 0; at < status.member_count; at++)
		health.voter = health.voter || (status.members[at].self && status.members[at].is_voter);
	struct kv_view *view = kv_view_open(replica_kv(exchange->service->replica));
	struct kv_stats stats;
	health.reads = kv_stats(view, &stats) == ERR_OK;
	kv_view_close(view);
	return health;
}

/* Each says why it fails; NULL: it does not. */
static const char *health_corruption(const struct health *health)
{
	return health->corrupt ? "alarm activated: CORRUPT" : NULL;
}

static const char *health_serializable_read(const struct health *health)
{
	return health->reads ? NULL : rpc_status_of(ERR_IO).message;
}

/* etcd serves nobody before the cluster knows where its clients find it. */
static const char *health_linearizable_read(const struct health *health)
{
	if (health->barrier != ERR_OK)
		return rpc_status_of(health->barrier).message;
	return health->published ? NULL : "the cluster does not know the client URLs of this member yet";
}

static const char *health_non_learner(const struct health *health)
{
	return health->voter ? NULL : "not supported for learner";
}

struct health_check {
	const char *name;
	const char *(*fails)(const struct health *health);
	bool waits; /* for the others */
};

enum { HEALTH_CHECKS_MAX = 4 };

static const struct health_page {
	const char *path;
	struct health_check checks[HEALTH_CHECKS_MAX];
} health_pages[] = {
    {"/livez", {{"serializable_read", health_serializable_read, false}}},
    {"/readyz",
     {{"data_corruption", health_corruption, false},
      {"serializable_read", health_serializable_read, false},
      {"linearizable_read", health_linearizable_read, true},
      {"non_learner", health_non_learner, false}}},
};

/* ---- waiting for the read barrier ---- */

static void health_is_ready(void *argument, enum err err)
{
	struct exchange *exchange = argument;
	exchange->err = err;
	reactor_post(exchange->service->reactor, &exchange->task);
}

/* `then` runs with what came of it in exchange->err, and takes a reference off. */
static void health_wait(struct exchange *exchange, void (*then)(struct reactor_task *))
{
	const struct service *service = exchange->service;
	bool pending = false;
	exchange->task.run = then;
	exchange_ref(exchange);
	/* From here the completion may write to the exchange: nothing is touched any more unless it will not run. */
	enum err err = replica_barrier(service->replica, clock_steady_ns() + service->read_timeout_ms * CLOCK_NS_PER_MS,
	                               health_is_ready, exchange, &pending);
	if (err == ERR_OK && pending)
		return;
	exchange->err = err;
	then(&exchange->task);
}

/* ---- /livez, /readyz ---- */

/* What is asked for: a page, or one check of it. */
struct health_run {
	const struct health_page *page;
	const char *only; /* NULL: all but those that are excluded */
};

static bool health_find(const char *path, struct health_run *ret_run)
{
	for (size_t at = 0; at < sizeof health_pages / sizeof *health_pages; at++) {
		const struct health_page *page = &health_pages[at];
		size_t size = strlen(page->path);
		if (strncmp(path, page->path, size) != 0 || (path[size] != '\0' && path[size] != '/'))
			continue;
		*ret_run = (struct health_run){page, path[size] == '/' ? path + size + 1 : NULL};
		for (size_t check = 0; check < HEALTH_CHECKS_MAX && ret_run->only != NULL; check++)
			if (page->checks[check].name != NULL && strcmp(page->checks[check].name, ret_run->only) == 0)
				return true;
		return ret_run->only == NULL;
	}
	return false;
}

bool health_serves(const char *path)
{
	struct health_run run;
	return health_find(path, &run);
}

static bool health_wants(const struct exchange *exchange, const struct health_run *run,
                         const struct health_check *check)
{
	if (check->name == NULL)
		return false;
	if (run->only != NULL)
		return strcmp(run->only, check->name) == 0;
	return !health_asks(exchange, "exclude", check->name);
}

static void health_put(struct buffer *text, const char *name, const char *failure)
{
	buffer_put(text, bytes_of_string(failure == NULL ? "[+]" : "[-]"));
	buffer_put(text, bytes_of_string(name));
	buffer_put(text, bytes_of_string(failure == NULL ? " ok" : " failed: "));
	buffer_put(text, bytes_of_string(failure == NULL ? "" : failure));
	buffer_put(text, BYTES_LITERAL("\n"));
}

/* "ok", with a line for each check before it if they were asked for; or those lines, if one failed. */
static void health_answer(struct exchange *exchange, const struct health_run *run)
{
	const struct health health = health_look(exchange);
	AUTO_BUFFER struct buffer text;
	bool good = true;
	buffer_init(&text, HEALTH_TEXT_BYTES_MAX);
	for (size_t at = 0; at < HEALTH_CHECKS_MAX; at++) {
		const struct health_check *check = &run->page->checks[at];
		if (!health_wants(exchange, run, check))
			continue;
		const char *failure = check->fails(&health);
		health_put(&text, check->name, failure);
		good = good && failure == NULL;
	}
	if (good && !health_asks(exchange, "verbose", NULL))
		buffer_clear(&text);
	if (good)
		buffer_put(&text, BYTES_LITERAL("ok\n"));
	endpoint_text(exchange, good ? 200 : 503, arena_dup_string(&exchange->arena, buffer_bytes(&text)));
	exchange_answer(exchange);
}

static void health_answer_run(struct reactor_task *task)
{
	struct exchange *exchange = (struct exchange *)task;
	struct health_run run;
	if (exchange->link != NULL && health_find(exchange->request.path, &run))
		health_answer(exchange, &run);
	exchange_unref(exchange);
}

void health_run(struct exchange *exchange)
{
	struct health_run run;
	bool waits = false, found = health_find(exchange->request.path, &run);
	for (size_t at = 0; at < HEALTH_CHECKS_MAX && found; at++)
		waits = waits || (run.page->checks[at].waits && health_wants(exchange, &run, &run.page->checks[at]));
	if (waits)
		health_wait(exchange, health_answer_run);
	else
		health_answer(exchange, &run);
}

/* ---- /health ---- */

static void health_answer_etcd(struct exchange *exchange, const char *reason)
{
	bool good = reason[0] == '\0';
	json_t *object = json_pack("{ssss}", "health", good ? "true" : "false", "reason", reason);
	char *text = json_dumps(object, JSON_COMPACT);
	endpoint_text(exchange, good ? 200 : 503, text);
	exchange->response.content_type = "application/json";
	free(text);
	json_decref(object);
	exchange_answer(exchange);
}

/* "" or why not. */
static const char *health_of_read(struct exchange *exchange, const char *failure)
{
	return failure != NULL ? arena_format(&exchange->arena, "RANGE ERROR:%s", failure) : "";
}

static void health_etcd_run(struct reactor_task *task)
{
	struct exchange *exchange = (struct exchange *)task;
	if (exchange->link != NULL) {
		const struct health health = health_look(exchange);
		health_answer_etcd(exchange, health_of_read(exchange, health_linearizable_read(&health)));
	}
	exchange_unref(exchange);
}

void health_run_etcd(struct exchange *exchange)
{
	const struct health health = health_look(exchange);
	bool local = health_asks(exchange, "serializable", "true");
	if (health.no_space && !health_asks(exchange, "exclude", "NOSPACE"))
		health_answer_etcd(exchange, "ALARM NOSPACE");
	else if (health.corrupt && !health_asks(exchange, "exclude", "CORRUPT"))
		health_answer_etcd(exchange, "ALARM CORRUPT");
	else if (!local && !health.has_leader)
		health_answer_etcd(exchange, "RAFT NO LEADER");
	else if (local)
		health_answer_etcd(exchange, health_of_read(exchange, health_serializable_read(&health)));
	else
		health_wait(exchange, health_etcd_run);
}
