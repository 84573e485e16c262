/* SPDX-License-Identifier: Apache-2.0 */
#include "api/method.h"

#include <string.h>

#define ROW(name_, kind_, request_, ...)                                                                               \
	{                                                                                                              \
		.name = name_, .kind = METHOD_##kind_, .request = &etcfs__control__##request_##_request__descriptor,   \
		__VA_ARGS__                                                                                            \
	}

static const struct method methods[] = {
    ROW("status", NOW, status, .answer = method_status),
    ROW("members", NOW, members, .answer = method_members),
    ROW("get", READ, get, .answer = method_get),
    ROW("list", READ, list, .answer = method_list),
    ROW("log", READ, log, .answer = method_log),
    ROW("tree", READ, tree, .answer = method_tree),
    ROW("restore", PLAN, restore, .command = method_restore_command, .answer = method_restore),
    ROW("apply", PLAN, apply, .command = method_apply_command, .answer = method_apply),
    ROW("put", WRITE, put, .command = method_put_command, .answer = method_put),
    ROW("delete", WRITE, delete, .command = method_delete_command, .answer = method_delete),
    ROW("member_change", CHANGE, member_change, .submit = method_member_submit, .answer = method_member),
    ROW("leader_move", CHANGE, leader_move, .submit = method_leader_submit, .answer = method_member),
    ROW("watch", STREAM, watch, .answer = method_watch),
};

const struct method *method_find(const char *name)
{
	for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
		if (strcmp(methods[at].name, name) == 0)
			return &methods[at];
	}
	return NULL;
}
