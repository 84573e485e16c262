/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs status, etcfs members. */
#include <inttypes.h>
#include <string.h>

#include "cli/client.h"
#include "cli/member_note.h"
#include "cli/table.h"
#include "cli/terminal.h"

static enum colour status_role_colour(const Etcfs__Control__Member *member)
{
	if (!member->reachable && !member->self)
		return COLOUR_BAD;
	return strcmp(member->role, "leader") == 0 ? COLOUR_GOOD : COLOUR_NONE;
}

/* "2026-01-31 12:00:00Z" of RFC 3339's "2026-01-31T12:00:00.123456789Z". */
static const char *status_time(const char *time, struct arena *arena)
{
	if (strlen(time) < 19)
		return "-";
	return arena_format(arena, "%.10s %.8sZ", time, time + 11);
}

static void status_add_member(struct table *table, const Etcfs__Control__Member *member)
{
	table_add(table, arena_format(table->arena, "%s%s", member->name, member->self ? " *" : ""));
	table_add_coloured(table, member->role, status_role_colour(member));
	table_add_number(table, (long long)member->term);
	table_add_number(table, (long long)member->commit);
	table_add_number(table, (long long)member->applied);
	table_add_number(table, (long long)member->revision);
	table_add_number(table, (long long)member->lag);
	table_add_number(table, (long long)member->keys);
	table_add_size(table, member->store_bytes);
	table_add_size(table, member->log_bytes);
	table_add(table, status_time(member->up_since, table->arena));
}

static void status_say(enum colour colour, const char *text)
{
	printf("%s%s%s\n", terminal_begin(colour), text, terminal_end(colour));
}

static void status_print_head(const Etcfs__Control__StatusResponse *status)
{
	printf("cluster %s   leader %s   revision %" PRId64 "   asked %s, etcfsd %s\n", status->cluster_id,
	       status->leader[0] != '\0' ? status->leader : "none", status->revision, status->name, status->version);
	if (!status->has_quorum)
		status_say(COLOUR_BAD, "no quorum: writes wait and then fail; --reads=local still reads");
	if (status->damaged)
		status_say(COLOUR_BAD,
		           "this node's log is damaged: it does not vote until it is repaired from the others");
	if (status->differs)
		status_say(COLOUR_BAD, "this node's state differs from the others': it has taken itself out");
	for (size_t at = 0; at < status->n_alarms; at++)
		printf("%salarm %s%s\n", terminal_begin(COLOUR_BAD), status->alarms[at], terminal_end(COLOUR_BAD));
	if (status->snapshot_busy)
		printf("a snapshot is on its way: %" PRIu64 " of %" PRIu64 " bytes\n", status->snapshot_done_bytes,
		       status->snapshot_total_bytes);
	putchar('\n');
}

/* The last column is there when somebody has something in it. */
static void status_print_members(const Etcfs__Control__StatusResponse *status, struct arena *arena)
{
	static const struct table_column columns[] = {
	    {"NAME", TABLE_LEFT},     {"ROLE", TABLE_LEFT},      {"TERM", TABLE_RIGHT},    {"COMMIT", TABLE_RIGHT},
	    {"APPLIED", TABLE_RIGHT}, {"REVISION", TABLE_RIGHT}, {"LAG", TABLE_RIGHT},     {"KEYS", TABLE_RIGHT},
	    {"STORE", TABLE_RIGHT},   {"LOG", TABLE_RIGHT},      {"UP SINCE", TABLE_LEFT}, {"NOTE", TABLE_LEFT},
	};
	struct table table;
	size_t column_count = sizeof columns / sizeof *columns - 1;
	for (size_t at = 0; at < status->n_members; at++) {
		if (member_note(status, status->members[at], arena)[0] != '\0')
			column_count = sizeof columns / sizeof *columns;
	}
	table_init(&table, columns, column_count, arena);
	for (size_t at = 0; at < status->n_members; at++) {
		const Etcfs__Control__Member *member = status->members[at];
		status_add_member(&table, member);
		if (column_count == sizeof columns / sizeof *columns)
			table_add(&table, member_note(status, member, arena));
	}
	table_print(&table, stdout);
}

static void status_print(const Etcfs__Control__StatusResponse *status, struct arena *arena)
{
	status_print_head(status);
	status_print_members(status, arena);
}

enum cli_exit command_status(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__StatusRequest request = ETCFS__CONTROL__STATUS_REQUEST__INIT;
	ProtobufCMessage *response;
	enum cli_exit status =
	    client_ask(invocation,
	               &(struct client_call){"status", &request.base, &etcfs__control__status_response__descriptor,
	                                     CLIENT_IMPATIENT},
	               arena, &response);
	if (status != EXIT_OK)
		return status;
	if (invocation->json)
		control_print_json(stdout, response, CONTROL_INDENTED);
	else
		status_print((const Etcfs__Control__StatusResponse *)response, arena);
	return EXIT_OK;
}

/* ---- members ---- */

static const char *members_join(char *const *urls, size_t count, struct arena *arena)
{
	const char *joined = count > 0 ? urls[0] : "-";
	for (size_t at = 1; at < count; at++)
		joined = arena_format(arena, "%s,%s", joined, urls[at]);
	return joined;
}

static void members_print(const Etcfs__Control__MembersResponse *list, struct arena *arena)
{
	static const struct table_column columns[] = {
	    {"NAME", TABLE_LEFT},     {"ID", TABLE_LEFT},         {"VOTES", TABLE_LEFT},
	    {"PEER URL", TABLE_LEFT}, {"CLIENT URL", TABLE_LEFT},
	};
	struct table table;
	table_init(&table, columns, sizeof columns / sizeof *columns, arena);
	for (size_t at = 0; at < list->n_members; at++) {
		const Etcfs__Control__MemberAddress *member = list->members[at];
		table_add(&table, member->name);
		table_add(&table, member->id);
		table_add(&table, member->voter ? "yes" : "no");
		table_add(&table, members_join(member->peer_urls, member->n_peer_urls, arena));
		table_add(&table, members_join(member->client_urls, member->n_client_urls, arena));
	}
	table_print(&table, stdout);
}

enum cli_exit command_members(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__MembersRequest request = ETCFS__CONTROL__MEMBERS_REQUEST__INIT;
	ProtobufCMessage *response;
	enum cli_exit status =
	    client_ask(invocation,
	               &(struct client_call){"members", &request.base, &etcfs__control__members_response__descriptor,
	                                     CLIENT_IMPATIENT},
	               arena, &response);
	if (status != EXIT_OK)
		return status;
	if (invocation->json)
		control_print_json(stdout, response, CONTROL_INDENTED);
	else
		members_print((const Etcfs__Control__MembersResponse *)response, arena);
	return EXIT_OK;
}
