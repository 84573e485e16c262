/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/control_server.h"
#include "api/events.h"
#include "api/front.h"
#include "api/listener.h"
#include "api/range_counts.h"
#include "api/service.h"
#include "api/ticks.h"
#include "api/watch.h"
#include "base/memory.h"

enum {
	API_ANSWERS_BYTES_MAX = 1 << 30,
	API_PROGRESS_MS = 10 * 60 * 1000,    /* etcd's --watch-progress-notify-interval */
	API_REQUEST_MS = 5000,               /* etcd's ReqTimeout, beside the elections */
	API_PROPOSAL_BYTES_MAX = 1536 << 10, /* etcd's --max-request-bytes */
	API_AROUND_BYTES_MAX = 512 << 10,    /* etcd's: what is around it */
	API_TXN_OPS_MAX = 128,               /* etcd's --max-txn-ops */
};

struct api {
	struct service service;
	size_t bodies_bytes, answers_bytes;
	char *control_path;
	struct connection_set control_clients, http_clients;
	struct listener control, *http; /* one for each address */
	size_t http_count;
	enum { API_NONE, API_SETS, API_CONTROL } opened; /* how far api_open() came */
};

static enum err api_open_sets(struct api *api)
{
	enum err err =
	    connection_set_init(&api->control_clients, api->service.reactor, &control_protocol, &api->service);
	if (err != ERR_OK)
		return err;
	err = connection_set_init(&api->http_clients, api->service.reactor, &front_protocol, &api->service);
	if (err != ERR_OK) {
		connection_set_fini(&api->control_clients);
		return err;
	}
	api->opened = API_SETS;
	return ERR_OK;
}

static enum err api_open_listeners(struct api *api, const struct api_options *options)
{
	for (size_t at = 0; at < options->listen_count; at++) {
		enum err err = listener_open_tcp(&api->http[at], &api->http_clients, &options->listen[at]);
		if (err != ERR_OK)
			return err;
		api->http_count++;
	}
	enum err err = listener_open_control(&api->control, &api->control_clients, api->control_path);
	if (err == ERR_OK)
		api->opened = API_CONTROL;
	return err;
}

static void api_free(struct api *api)
{
	if (api->opened == API_CONTROL) {
		listener_close(&api->control);
		unlink(api->control_path);
	}
	for (size_t at = 0; at < api->http_count; at++)
		listener_close(&api->http[at]);
	if (api->opened != API_NONE) {
		connection_set_fini(&api->control_clients);
		connection_set_fini(&api->http_clients);
	}
	if (api->service.ticks != NULL)
		ticks_free(api->service.ticks);
	reactor_free(api->service.reactor);
	watch_hub_free(api->service.watches);
	events_free(api->service.events);
	range_counts_free(api->service.range_counts);
	free(api->http);
	free(api->control_path);
	free(api);
}

enum err api_open(const struct api_options *options, struct replica *replica, struct api **ret_api)
{
	struct reactor *reactor;
	enum err err = reactor_new(&reactor);
	if (err != ERR_OK)
		return err;
	struct api *api = memory_new(sizeof *api);
	api->service = (struct service){
	    .replica = replica,
	    .reactor = reactor,
	    .watches = watch_hub_new(reactor, replica),
	    .events = events_new(reactor, replica),
	    .range_counts = range_counts_new(),
	    .read_timeout_ms = options->read_timeout_ms,
	    .write_timeout_ms = options->write_timeout_ms,
	    .request_timeout_ms = API_REQUEST_MS + 2 * options->election_timeout_ms,
	    .election_timeout_ms = options->election_timeout_ms,
	    .watch_progress_ms = options->watch_progress_ms != 0 ? options->watch_progress_ms : API_PROGRESS_MS,
	    .proposal_bytes_max =
	        options->proposal_bytes_max != 0 ? options->proposal_bytes_max : API_PROPOSAL_BYTES_MAX,
	    .txn_ops_max = options->txn_ops_max != 0 ? options->txn_ops_max : API_TXN_OPS_MAX,
	    .value_bytes_max = options->value_bytes_max,
	    .bodies_bytes = &api->bodies_bytes,
	    .answers_bytes = &api->answers_bytes,
	    .answers_bytes_max = options->answers_bytes_max != 0 ? options->answers_bytes_max : API_ANSWERS_BYTES_MAX,
	    .version = options->version,
	};
	api->service.request_bytes_max = api->service.proposal_bytes_max + API_AROUND_BYTES_MAX;
	api->control_path = memory_dup_string(options->control_path);
	api->http = memory_new_array(options->listen_count + 1, sizeof *api->http);
	err = ticks_new(reactor, &api->service.ticks);
	if (err == ERR_OK)
		err = api_open_sets(api);
	if (err == ERR_OK)
		err = api_open_listeners(api, options);
	if (err != ERR_OK) {
		api_free(api);
		return err;
	}
	struct kv_observer control = watch_hub_observer(api->service.watches);
	struct kv_observer events = events_observer(api->service.events);
	replica_observe(replica, &control);
	replica_observe(replica, &events);
	*ret_api = api;
	return ERR_OK;
}

enum err api_start(struct api *api)
{
	return reactor_start(api->service.reactor);
}

void api_stop(struct api *api)
{
	reactor_stop(api->service.reactor);
}

void api_close(struct api *api)
{
	api_free(api);
}
