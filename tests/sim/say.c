/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/say.h"

#include <inttypes.h>

static void say_number(FILE *out, const char *name, uint64_t number)
{
	if (number != 0)
		fprintf(out, " %s=%ju", name, (uintmax_t)number);
}

void say_message(FILE *out, const char *verb, const struct raft_message *head)
{
	fprintf(out, "%ju%s%ju %s term=%ju", (uintmax_t)head->from, verb, (uintmax_t)head->to,
	        raft_message_type_name(head->type), (uintmax_t)head->term);
	say_number(out, "index", head->index);
	say_number(out, "index_term", head->index_term);
	say_number(out, "count", head->count);
	say_number(out, "commit", head->commit);
	say_number(out, "round", head->round);
	if (head->reject)
		fprintf(out, " reject");
	say_number(out, "hint", head->hint);
	say_number(out, "hint_term", head->hint_term);
	if (head->transfer)
		fprintf(out, " transfer");
	fprintf(out, "\n");
}

void say_write(FILE *out, const struct node *node, const struct node_write *write)
{
	fprintf(out, "%ju: write id=%ju term=%ju vote=%ju", (uintmax_t)node->id, (uintmax_t)write->id,
	        (uintmax_t)write->term, (uintmax_t)write->vote);
	say_number(out, "truncate_from", write->truncate_from);
	say_number(out, "append_from", write->append_from);
	say_number(out, "count", write->count);
	fprintf(out, "\n");
}

void say_applied(FILE *out, const struct node *node, uint64_t index, const struct node_entry *entry)
{
	static const char *const kinds[] = {"", "noop", "command", "config"};
	fprintf(out, "%ju: apply index=%ju term=%ju %s", (uintmax_t)node->id, (uintmax_t)index, (uintmax_t)entry->term,
	        kinds[entry->kind]);
	if (entry->kind == RAFT_ENTRY_COMMAND)
		fprintf(out, " %.*s", (int)entry->size, (const char *)entry->payload);
	fprintf(out, "\n");
}

void say_read(FILE *out, const struct node *node, const struct raft_read *read)
{
	fprintf(out, "%ju: read id=%ju %s index=%ju\n", (uintmax_t)node->id, (uintmax_t)read->read_id,
	        err_name(read->err), (uintmax_t)read->index);
}
