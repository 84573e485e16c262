/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/served.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "api/connection.h"
#include "api/events.h"
#include "api/front.h"
#include "api/range_counts.h"
#include "api/ticks.h"
#include "api/watch.h"
#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "replica/replica.h"

enum {
	SERVED_REQUEST_MS = 200,
	SERVED_REQUEST_BYTES_MAX = 64 << 10,
	SERVED_ANSWERS_BYTES_MAX = 64 << 20,
	SERVED_TXN_OPS_MAX = 128,
	SERVED_MEMORY_BYTES = 8 << 20,
};

static struct {
	struct service service;
	struct connection_set clients;
	char directory[32];
	size_t bodies_bytes, answers_bytes;
} served;

static void served_remove(void)
{
	enum err err = file_remove_tree(served.directory);
	if (err != ERR_OK)
		fprintf(stderr, "%s stays\n", served.directory);
}

static void served_begin(void)
{
	log_level_set(LOG_ERROR_LEVEL);
	snprintf(served.directory, sizeof served.directory, "/tmp/fuzz.XXXXXX");
	check(mkdtemp(served.directory) != NULL);
	atexit(served_remove);
	struct service *service = &served.service;
	const struct replica_options options = {
	    .name = "n1", .data_directory = served.directory, .memory_bytes = SERVED_MEMORY_BYTES};
	check(replica_open(&options, &service->replica) == ERR_OK);
	check(reactor_new(&service->reactor) == ERR_OK);
	check(ticks_new(service->reactor, &service->ticks) == ERR_OK);
	service->watches = watch_hub_new(service->reactor, service->replica);
	service->events = events_new(service->reactor, service->replica);
	service->request_timeout_ms = service->read_timeout_ms = service->write_timeout_ms = SERVED_REQUEST_MS;
	service->election_timeout_ms = service->watch_progress_ms = SERVED_REQUEST_MS;
	service->request_bytes_max = service->value_bytes_max = SERVED_REQUEST_BYTES_MAX;
	service->range_counts = range_counts_new();
	service->proposal_bytes_max = SERVED_REQUEST_BYTES_MAX;
	service->txn_ops_max = SERVED_TXN_OPS_MAX;
	service->bodies_bytes = &served.bodies_bytes;
	service->answers_bytes = &served.answers_bytes;
	service->answers_bytes_max = SERVED_ANSWERS_BYTES_MAX;
	service->version = "1.2.3";
	const struct kv_observer observer = events_observer(service->events);
	replica_observe(service->replica, &observer);
	check(replica_start(service->replica) == ERR_OK);
	check(connection_set_init(&served.clients, service->reactor, &front_protocol, service) == ERR_OK);
	check(reactor_start(service->reactor) == ERR_OK);
}

static void served_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, served_begin);
}

/* ---- on its thread ---- */

struct served_errand {
	struct reactor_task task;
	void (*run)(const struct service *service, void *argument);
	void *argument;
	sem_t done;
};

static void served_errand_run(struct reactor_task *task)
{
	struct served_errand *errand = (struct served_errand *)task;
	errand->run(&served.service, errand->argument);
	sem_post(&errand->done);
}

void served_run(void (*run)(const struct service *service, void *argument), void *argument)
{
	struct served_errand errand = {.task.run = served_errand_run, .run = run, .argument = argument};
	served_once();
	sem_init(&errand.done, 0, 0);
	reactor_post(served.service.reactor, &errand.task);
	sem_wait(&errand.done);
	sem_destroy(&errand.done);
}

static void served_open(const struct service *service, void *argument)
{
	connection_open(&served.clients, *(int *)argument);
}

int served_connect(void)
{
	int ends[2];
	served_once();
	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	served_run(served_open, &ends[0]);
	return ends[1];
}
