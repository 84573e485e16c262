/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs watch, etcfs log: a line for each event, or a line of JSON for each change. */
#include <inttypes.h>
#include <string.h>

#include "base/proto.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/terminal.h"

enum {
	CHANGES_LOG_DEFAULT = 20,
	CHANGES_VALUE_COLUMNS = 60, /* of a value: enough to know it by */
};

static const char *changes_verb(const Etcfs__Control__Event *event)
{
	if (event->type == ETCFS__CONTROL__EVENT_TYPE__delete)
		return "delete";
	return event->created ? "create" : "put";
}

static void changes_print_event(const Etcfs__Control__Change *change, const Etcfs__Control__Event *event,
                                struct arena *arena)
{
	const Etcfs__Control__Record *record = event->record;
	bool deleted = event->type == ETCFS__CONTROL__EVENT_TYPE__delete;
	enum colour colour = deleted ? COLOUR_BAD : event->created ? COLOUR_GOOD : COLOUR_NONE;
	printf("%8" PRId64 "  %s%.19sZ%s  %-8s  %s%-6s%s  %s", change->revision, terminal_begin(COLOUR_FAINT),
	       change->time, terminal_end(COLOUR_FAINT), change->node, terminal_begin(colour), changes_verb(event),
	       terminal_end(colour), table_escape(proto_bytes(record->key), 0, arena));
	if (record->value.len > 0)
		printf("  %s", table_escape(proto_bytes(record->value), CHANGES_VALUE_COLUMNS, arena));
	putchar('\n');
}

static void changes_print(const Etcfs__Control__Change *change, struct arena *arena)
{
	for (size_t at = 0; at < change->n_events; at++)
		changes_print_event(change, change->events[at], arena);
}

/* ---- watch ---- */

static enum cli_exit watch_follow(const struct invocation *invocation, struct client *client)
{
	AUTO_ARENA struct arena arena; /* of one change */
	arena_init(&arena);
	for (;;) {
		ProtobufCMessage *response;
		arena_reset(&arena);
		enum cli_exit status =
		    client_receive(client, &etcfs__control__watch_response__descriptor, -1, &arena, &response);
		if (status != EXIT_OK)
			return status;
		const Etcfs__Control__WatchResponse *answer = (const Etcfs__Control__WatchResponse *)response;
		if (answer->change == NULL) /* it has begun */
			continue;
		if (invocation->json)
			control_print_json(stdout, response, CONTROL_ONE_LINE);
		else
			changes_print(answer->change, &arena);
		if (fflush(stdout) != 0)
			return EXIT_FAILED; /* nobody reads any more */
	}
}

enum cli_exit command_watch(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__WatchRequest request = ETCFS__CONTROL__WATCH_REQUEST__INIT;
	struct client client;
	enum cli_exit status = EXIT_OK;
	if (invocation->argument_count > 0)
		request.path = proto_data(bytes_of_string(invocation->arguments[0]));
	if (invocation->revision != NULL)
		status = command_number("--revision", invocation->revision, &request.start_revision);
	if (status == EXIT_OK)
		status = client_open(invocation, arena, &client);
	if (status != EXIT_OK)
		return status;
	status = client_send(&client, "watch", invocation->local, &request.base);
	if (status == EXIT_OK)
		status = watch_follow(invocation, &client);
	client_close(&client);
	return status;
}

/* ---- log ---- */

static void log_print(const struct invocation *invocation, const Etcfs__Control__LogResponse *page, struct arena *arena)
{
	for (size_t at = 0; at < page->n_changes; at++) {
		if (invocation->json)
			control_print_json(stdout, &page->changes[at]->base, CONTROL_ONE_LINE);
		else
			changes_print(page->changes[at], arena);
	}
}

/* Page after page, until there are enough or nothing older is kept. */
enum cli_exit command_log(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__LogRequest request = ETCFS__CONTROL__LOG_REQUEST__INIT;
	int64_t wanted = CHANGES_LOG_DEFAULT;
	enum cli_exit status =
	    invocation->limit != NULL ? command_number("--limit", invocation->limit, &wanted) : EXIT_OK;
	if (invocation->argument_count > 0)
		request.path = proto_data(bytes_of_string(invocation->arguments[0]));
	while (status == EXIT_OK && wanted > 0) {
		ProtobufCMessage *response;
		request.limit = wanted < CONTROL_PAGE_MAX ? (uint32_t)wanted : CONTROL_PAGE_MAX;
		status = client_ask(invocation,
		                    &(struct client_call){"log", &request.base,
		                                          &etcfs__control__log_response__descriptor, CLIENT_PATIENT},
		                    arena, &response);
		if (status != EXIT_OK)
			break;
		const Etcfs__Control__LogResponse *page = (const Etcfs__Control__LogResponse *)response;
		log_print(invocation, page, arena);
		wanted -= (int64_t)page->n_changes;
		if (page->next == 0)
			break;
		request.before = page->next;
	}
	return status;
}
