/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs restore, etcfs apply: many files in one revision. */
#include <inttypes.h>
#include <unistd.h>

#include "base/proto.h"
#include "cli/client.h"
#include "cli/local.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/trees.h"

static const struct {
	const char *word;
	enum colour colour;
} trees_kinds[] = {
    [ETCFS__CONTROL__PLANNED_KIND__added] = {"added", COLOUR_GOOD},
    [ETCFS__CONTROL__PLANNED_KIND__removed] = {"removed", COLOUR_BAD},
    [ETCFS__CONTROL__PLANNED_KIND__changed] = {"changed", COLOUR_NONE},
    [ETCFS__CONTROL__PLANNED_KIND__attributes] = {"attributes", COLOUR_NONE},
};

static void trees_print(Etcfs__Control__PlannedChange *const *changes, size_t count, struct arena *arena)
{
	for (size_t at = 0; at < count; at++) {
		size_t kind = (size_t)changes[at]->kind < sizeof trees_kinds / sizeof *trees_kinds
		                  ? (size_t)changes[at]->kind
		                  : ETCFS__CONTROL__PLANNED_KIND__changed;
		printf("%s%-10s%s  %s\n", terminal_begin(trees_kinds[kind].colour), trees_kinds[kind].word,
		       terminal_end(trees_kinds[kind].colour), table_escape(proto_bytes(changes[at]->key), 0, arena));
	}
}

static void trees_print_end(const struct invocation *invocation, size_t count, int64_t revision)
{
	if (count == 0)
		printf("nothing to do\n");
	else if (invocation->dry_run)
		printf("a dry run: nothing was changed\n");
	else
		printf("revision %" PRId64 "\n", revision);
}

static ProtobufCBinaryData trees_path(const char *path)
{
	return proto_data(bytes_of_string(path));
}

enum cli_exit command_restore(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__RestoreRequest request = ETCFS__CONTROL__RESTORE_REQUEST__INIT;
	ProtobufCMessage *message;
	if (invocation->at == NULL)
		return command_fail(EXIT_USAGE,
		                    "as it was when? etcfs restore --at WHEN %s: a revision, a time or an age (-10m)",
		                    invocation->arguments[0]);
	request.path = trees_path(invocation->arguments[0]);
	request.when = (char *)invocation->at;
	request.dry_run = invocation->dry_run;
	enum cli_exit status =
	    client_ask(invocation,
	               &(struct client_call){"restore", &request.base, &etcfs__control__restore_response__descriptor,
	                                     CLIENT_PATIENT},
	               arena, &message);
	if (status != EXIT_OK)
		return status;
	const Etcfs__Control__RestoreResponse *response = (const Etcfs__Control__RestoreResponse *)message;
	if (invocation->json) {
		control_print_json(stdout, message, CONTROL_INDENTED);
		return EXIT_OK;
	}
	trees_print(response->changes, response->n_changes, arena);
	trees_print_end(invocation, response->n_changes, response->revision);
	return EXIT_OK;
}

enum cli_exit trees_apply(const struct invocation *invocation, Etcfs__Control__ApplyRequest *request,
                          struct arena *arena)
{
	ProtobufCMessage *message;
	request->uid = geteuid();
	request->gid = getegid();
	enum cli_exit status = client_ask(
	    invocation,
	    &(struct client_call){"apply", &request->base, &etcfs__control__apply_response__descriptor, CLIENT_PATIENT},
	    arena, &message);
	if (status != EXIT_OK)
		return status;
	const Etcfs__Control__ApplyResponse *response = (const Etcfs__Control__ApplyResponse *)message;
	if (invocation->json) {
		control_print_json(stdout, message, CONTROL_INDENTED);
		return EXIT_OK;
	}
	trees_print(response->changes, response->n_changes, arena);
	trees_print_end(invocation, response->n_changes, response->revision);
	return EXIT_OK;
}

enum cli_exit command_apply(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__ApplyRequest request = ETCFS__CONTROL__APPLY_REQUEST__INIT;
	enum cli_exit status = local_read(invocation->arguments[0], arena, &request);
	request.path = trees_path(invocation->to != NULL ? invocation->to : "/");
	request.remove = invocation->remove;
	request.dry_run = invocation->dry_run;
	return status == EXIT_OK ? trees_apply(invocation, &request, arena) : status;
}
