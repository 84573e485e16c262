/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs get, put, del, ls. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/proto.h"
#include "cli/client.h"
#include "cli/table.h"
#include "cli/terminal.h"

static ProtobufCBinaryData keys_argument(const struct invocation *invocation, size_t at)
{
	return proto_data(at < invocation->argument_count ? bytes_of_string(invocation->arguments[at]) : BYTES_NONE);
}

/* ---- get ---- */

/* As it is: a newline is added only for a person's prompt. */
static enum cli_exit keys_print_value(ProtobufCBinaryData value)
{
	fwrite(value.data, 1, value.len, stdout);
	if (isatty(STDOUT_FILENO) == 1 && value.len > 0 && value.data[value.len - 1] != '\n')
		putchar('\n');
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_OK;
	return command_fail(EXIT_FAILED, "the value cannot be written: %s", strerror(errno));
}

enum cli_exit command_get(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__GetRequest request = ETCFS__CONTROL__GET_REQUEST__INIT;
	ProtobufCMessage *response;
	request.key = keys_argument(invocation, 0);
	enum cli_exit status = invocation->revision != NULL
	                           ? command_number("--revision", invocation->revision, &request.revision)
	                           : EXIT_OK;
	if (status == EXIT_OK)
		status = client_ask(invocation,
		                    &(struct client_call){"get", &request.base,
		                                          &etcfs__control__get_response__descriptor, CLIENT_PATIENT},
		                    arena, &response);
	if (status != EXIT_OK)
		return status;
	if (!invocation->json)
		return keys_print_value(((const Etcfs__Control__GetResponse *)response)->record->value);
	control_print_json(stdout, response, CONTROL_INDENTED);
	return EXIT_OK;
}

/* ---- put ---- */

static enum cli_exit keys_read_input(struct buffer *value)
{
	uint8_t bytes[64 << 10];
	for (;;) {
		ssize_t size = read(STDIN_FILENO, bytes, sizeof bytes);
		if (size == 0)
			return EXIT_OK;
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return command_fail(EXIT_FAILED, "standard input cannot be read: %s", strerror(errno));
		if (buffer_append(value, bytes_of(bytes, (size_t)size)) != ERR_OK)
			return command_fail(EXIT_FAILED,
			                    "standard input is larger than the %d MiB that a file may have",
			                    LIMIT_VALUE_BYTES >> 20);
	}
}

static enum cli_exit keys_put(const struct invocation *invocation, Etcfs__Control__PutRequest *request,
                              struct arena *arena)
{
	ProtobufCMessage *response;
	enum cli_exit status = client_ask(
	    invocation,
	    &(struct client_call){"put", &request->base, &etcfs__control__put_response__descriptor, CLIENT_PATIENT},
	    arena, &response);
	if (status == EXIT_OK && invocation->json)
		control_print_json(stdout, response, CONTROL_INDENTED);
	return status;
}

enum cli_exit command_put(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__PutRequest request = ETCFS__CONTROL__PUT_REQUEST__INIT;
	request.key = keys_argument(invocation, 0);
	request.value = keys_argument(invocation, 1);
	if (invocation->argument_count == 2 && strcmp(invocation->arguments[1], "-") != 0)
		return keys_put(invocation, &request, arena);
	AUTO_BUFFER struct buffer value;
	buffer_init(&value, LIMIT_VALUE_BYTES);
	enum cli_exit status = keys_read_input(&value);
	request.value = proto_data(buffer_bytes(&value));
	return status == EXIT_OK ? keys_put(invocation, &request, arena) : status;
}

/* ---- del ---- */

enum cli_exit command_del(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__DeleteRequest request = ETCFS__CONTROL__DELETE_REQUEST__INIT;
	ProtobufCMessage *response;
	request.key = keys_argument(invocation, 0);
	request.recursive = invocation->recursive;
	enum cli_exit status =
	    client_ask(invocation,
	               &(struct client_call){"delete", &request.base, &etcfs__control__delete_response__descriptor,
	                                     CLIENT_PATIENT},
	               arena, &response);
	if (status == EXIT_OK && invocation->json)
		control_print_json(stdout, response, CONTROL_INDENTED);
	return status;
}

/* ---- ls ---- */

/* All pages in one. */
struct keys_list {
	Etcfs__Control__ListResponse whole;
	size_t capacity;
};

static void keys_list_add(struct keys_list *list, const Etcfs__Control__ListResponse *page, struct arena *arena)
{
	Etcfs__Control__ListResponse *whole = &list->whole;
	if (whole->n_entries + page->n_entries > list->capacity) {
		list->capacity = 2 * (whole->n_entries + page->n_entries);
		Etcfs__Control__Entry **entries = arena_take(arena, list->capacity * sizeof *entries);
		if (whole->n_entries > 0)
			memcpy(entries, whole->entries, whole->n_entries * sizeof *entries);
		whole->entries = entries;
	}
	if (page->n_entries > 0)
		memcpy(whole->entries + whole->n_entries, page->entries, page->n_entries * sizeof *page->entries);
	whole->n_entries += page->n_entries;
	whole->revision = page->revision;
}

static enum cli_exit keys_list_fetch(const struct invocation *invocation, struct keys_list *list, struct arena *arena)
{
	Etcfs__Control__ListRequest request = ETCFS__CONTROL__LIST_REQUEST__INIT;
	request.directory = keys_argument(invocation, 0);
	request.recursive = invocation->recursive;
	for (bool more = true; more;) {
		ProtobufCMessage *response;
		enum cli_exit status =
		    client_ask(invocation,
		               &(struct client_call){"list", &request.base, &etcfs__control__list_response__descriptor,
		                                     CLIENT_PATIENT},
		               arena, &response);
		if (status != EXIT_OK)
			return status;
		const Etcfs__Control__ListResponse *page = (const Etcfs__Control__ListResponse *)response;
		keys_list_add(list, page, arena);
		more = page->more && page->n_entries > 0;
		if (more) {
			const Etcfs__Control__Entry *last = page->entries[page->n_entries - 1];
			request.after = last->name;
			request.after_is_directory = last->directory;
		}
	}
	return EXIT_OK;
}

static const char *keys_entry_name(const Etcfs__Control__Entry *entry, struct arena *arena)
{
	const char *name = table_escape(proto_bytes(entry->name), 0, arena);
	bool slash = entry->directory && (entry->name.len == 0 || entry->name.data[entry->name.len - 1] != '/');
	return slash ? arena_format(arena, "%s/", name) : name;
}

static void keys_list_print_long(const struct keys_list *list, struct arena *arena)
{
	static const struct table_column columns[] = {
	    {"SIZE", TABLE_RIGHT}, {"REVISION", TABLE_RIGHT}, {"CHANGED", TABLE_LEFT}, {"NAME", TABLE_LEFT}};
	struct table table;
	table_init(&table, columns, sizeof columns / sizeof *columns, arena);
	for (size_t at = 0; at < list->whole.n_entries; at++) {
		const Etcfs__Control__Entry *entry = list->whole.entries[at];
		if (entry->directory || entry->size < 0)
			table_add(&table, "-");
		else
			table_add_number(&table, entry->size);
		table_add_number(&table, entry->revision);
		table_add(&table, arena_format(arena, "%.19s", entry->time));
		table_add_coloured(&table, keys_entry_name(entry, arena),
		                   entry->directory ? COLOUR_DIRECTORY : COLOUR_NONE);
	}
	table_print(&table, stdout);
}

static void keys_list_print(const struct keys_list *list, struct arena *arena)
{
	for (size_t at = 0; at < list->whole.n_entries; at++) {
		const Etcfs__Control__Entry *entry = list->whole.entries[at];
		enum colour colour = entry->directory ? COLOUR_DIRECTORY : COLOUR_NONE;
		printf("%s%s%s\n", terminal_begin(colour), keys_entry_name(entry, arena), terminal_end(colour));
	}
}

enum cli_exit command_ls(const struct invocation *invocation, struct arena *arena)
{
	struct keys_list list = {.whole = ETCFS__CONTROL__LIST_RESPONSE__INIT};
	enum cli_exit status = keys_list_fetch(invocation, &list, arena);
	if (status != EXIT_OK)
		return status;
	if (invocation->json)
		control_print_json(stdout, &list.whole.base, CONTROL_INDENTED);
	else if (invocation->long_form)
		keys_list_print_long(&list, arena);
	else
		keys_list_print(&list, arena);
	return EXIT_OK;
}
