/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs member add, remove, promote, demote, update; etcfs leader, leader move. */
#include <string.h>

#include "cli/client.h"

static enum cli_exit member_ask(const struct invocation *invocation, const char *method,
                                const ProtobufCMessage *request, struct arena *arena,
                                const Etcfs__Control__MemberResponse **ret_response)
{
	ProtobufCMessage *response;
	enum cli_exit status = client_ask(
	    invocation,
	    &(struct client_call){method, request, &etcfs__control__member_response__descriptor, CLIENT_PATIENT}, arena,
	    &response);
	if (status == EXIT_OK)
		*ret_response = (const Etcfs__Control__MemberResponse *)response;
	return status;
}

/* ---- member ---- */

/* What is true of it from now on. */
static const char *const member_changed[] = {
    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__add] = "is a member, to be started on its machine with",
    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove] = "is no member any more",
    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__promote] = "votes",
    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote] = "does not vote any more",
    [ETCFS__CONTROL__MEMBER_CHANGE_KIND__update] = "is reached from now on at",
};

static void member_print(const Etcfs__Control__MemberChangeRequest *request,
                         const Etcfs__Control__MemberResponse *response)
{
	const char *name = response->name[0] != '\0' ? response->name : request->member;
	if (response->note[0] != '\0') {
		printf("%s\n", response->note);
		return;
	}
	printf("%s (%s) %s", name, response->id, member_changed[request->kind]);
	if (request->kind == ETCFS__CONTROL__MEMBER_CHANGE_KIND__add)
		printf("\n  etcfsd --join URL-OF-ANY-MEMBER --name %s --listen-peer-urls %s", name, request->peer_url);
	else if (request->peer_url[0] != '\0')
		printf(" %s", request->peer_url);
	putchar('\n');
}

static enum cli_exit member_change(const struct invocation *invocation, Etcfs__Control__MemberChangeKind kind,
                                   struct arena *arena)
{
	Etcfs__Control__MemberChangeRequest request = ETCFS__CONTROL__MEMBER_CHANGE_REQUEST__INIT;
	const Etcfs__Control__MemberResponse *response;
	request.kind = kind;
	request.member = (char *)invocation->arguments[0];
	if (invocation->argument_count == 2)
		request.peer_url = (char *)invocation->arguments[1];
	enum cli_exit status = member_ask(invocation, "member_change", &request.base, arena, &response);
	if (status != EXIT_OK)
		return status;
	if (invocation->json)
		control_print_json(stdout, &response->base, CONTROL_INDENTED);
	else
		member_print(&request, response);
	return EXIT_OK;
}

enum cli_exit command_member_add(const struct invocation *invocation, struct arena *arena)
{
	return member_change(invocation, ETCFS__CONTROL__MEMBER_CHANGE_KIND__add, arena);
}

enum cli_exit command_member_remove(const struct invocation *invocation, struct arena *arena)
{
	return member_change(invocation, ETCFS__CONTROL__MEMBER_CHANGE_KIND__remove, arena);
}

enum cli_exit command_member_promote(const struct invocation *invocation, struct arena *arena)
{
	return member_change(invocation, ETCFS__CONTROL__MEMBER_CHANGE_KIND__promote, arena);
}

enum cli_exit command_member_demote(const struct invocation *invocation, struct arena *arena)
{
	return member_change(invocation, ETCFS__CONTROL__MEMBER_CHANGE_KIND__demote, arena);
}

enum cli_exit command_member_update(const struct invocation *invocation, struct arena *arena)
{
	return member_change(invocation, ETCFS__CONTROL__MEMBER_CHANGE_KIND__update, arena);
}

/* ---- leader ---- */

static void leader_print(const struct invocation *invocation, const Etcfs__Control__MemberResponse *leader,
                         const char *after)
{
	if (invocation->json)
		control_print_json(stdout, &leader->base, CONTROL_INDENTED);
	else
		printf("%s%s\n", leader->name, after);
}

enum cli_exit command_leader(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__StatusRequest request = ETCFS__CONTROL__STATUS_REQUEST__INIT;
	Etcfs__Control__MemberResponse leader = ETCFS__CONTROL__MEMBER_RESPONSE__INIT;
	ProtobufCMessage *response;
	enum cli_exit asked =
	    client_ask(invocation,
	               &(struct client_call){"status", &request.base, &etcfs__control__status_response__descriptor,
	                                     CLIENT_IMPATIENT},
	               arena, &response);
	if (asked != EXIT_OK)
		return asked;
	const Etcfs__Control__StatusResponse *status = (const Etcfs__Control__StatusResponse *)response;
	for (size_t at = 0; at < status->n_members; at++) {
		if (strcmp(status->members[at]->role, "leader") == 0)
			leader.id = status->members[at]->id;
	}
	leader.name = status->leader;
	if (leader.name[0] == '\0')
		return command_fail(EXIT_FAILED, "no leader is known: no quorum was reached; see etcfs status");
	leader_print(invocation, &leader, "");
	return EXIT_OK;
}

enum cli_exit command_leader_move(const struct invocation *invocation, struct arena *arena)
{
	Etcfs__Control__LeaderMoveRequest request = ETCFS__CONTROL__LEADER_MOVE_REQUEST__INIT;
	const Etcfs__Control__MemberResponse *leader;
	if (invocation->argument_count == 1)
		request.member = (char *)invocation->arguments[0];
	enum cli_exit status = member_ask(invocation, "leader_move", &request.base, arena, &leader);
	if (status == EXIT_OK)
		leader_print(invocation, leader, " leads");
	return status;
}
