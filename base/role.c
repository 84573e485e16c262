/* SPDX-License-Identifier: Apache-2.0 */
#include "base/role.h"

#include <pthread.h>
#include <stdio.h>

#include "base/check.h"

struct role_token role_raft = {ROLE_RAFT}, role_log = {ROLE_LOG}, role_apply = {ROLE_APPLY}, role_api = {ROLE_API},
                  role_fuse = {ROLE_FUSE}, role_notify = {ROLE_NOTIFY}, role_main = {ROLE_MAIN};

static const char *const role_names[] = {
    [ROLE_NONE] = "none",   [ROLE_MAIN] = "main", [ROLE_RAFT] = "raft", [ROLE_LOG] = "log",
    [ROLE_APPLY] = "apply", [ROLE_API] = "api",   [ROLE_FUSE] = "fuse", [ROLE_NOTIFY] = "notify",
};

static _Thread_local enum role role_mine;

void role_take(struct role_token *token)
{
	check(role_mine == ROLE_NONE || role_mine == token->role);
	role_mine = token->role;
	if (token->role != ROLE_MAIN) { /* the main thread's name is the program's */
		char name[16];
		snprintf(name, sizeof name, "etcfs-%s", role_names[token->role]);
		pthread_setname_np(pthread_self(), name);
	}
}

void role_check(struct role_token *token)
{
	check(role_mine == ROLE_NONE || role_mine == token->role);
}
