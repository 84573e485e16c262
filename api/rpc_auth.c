/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service Auth on a server that has no users: it answers as an etcd server does that has none, and says so when somebody wants
 * to make one. Nothing here claims to have done what was not done.
 */
#include "api/rpc_answer.h"
#include "api/rpc_rows.h"

/* etcd counts from 1, and nothing has changed since. */
enum { AUTH_REVISION = 1 };

static void auth_status(struct rpc_call *call)
{
	Etcdserverpb__AuthStatusResponse *answer = rpc_answer(call, rpc_revision(call));
	answer->authrevision = AUTH_REVISION;
	rpc_reply(call, &answer->base);
}

static void auth_not_enabled(struct rpc_call *call)
{
	rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: authentication is not enabled");
}

static void auth_no_root(struct rpc_call *call)
{
	rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: root user does not exist");
}

static void auth_no_user(struct rpc_call *call)
{
	rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: user name not found");
}

static void auth_no_role(struct rpc_call *call)
{
	rpc_finish(call, RPC_FAILED_PRECONDITION, "etcdserver: role name not found");
}

static void auth_later(struct rpc_call *call)
{
	rpc_finish(call, RPC_UNIMPLEMENTED,
	           "etcfs: users and roles are not served yet; they come with authentication in a later version");
}

static void auth_user_add(struct rpc_call *call)
{
	if (((const Etcdserverpb__AuthUserAddRequest *)call->request)->name[0] == '\0')
		rpc_finish(call, RPC_INVALID_ARGUMENT, "etcdserver: user name is empty");
	else
		auth_later(call);
}

static void auth_role_add(struct rpc_call *call)
{
	if (((const Etcdserverpb__AuthRoleAddRequest *)call->request)->name[0] == '\0')
		rpc_finish(call, RPC_INVALID_ARGUMENT, "etcdserver: role name is empty");
	else
		auth_later(call);
}

#define AUTH_ROW(method, path, function)                                                                               \
	{                                                                                                              \
		.service = &etcdserverpb__auth__descriptor, .name = method, .kind = RPC_UNARY, .gateway = path,        \
		.begin = function                                                                                      \
	}

const struct rpc_method rpc_auth_methods[] = {
    AUTH_ROW("AuthEnable", "/v3/auth/enable", auth_no_root),
    AUTH_ROW("AuthDisable", "/v3/auth/disable", rpc_reply_header), /* as etcd: it is disabled then */
    AUTH_ROW("AuthStatus", "/v3/auth/status", auth_status),
    AUTH_ROW("Authenticate", "/v3/auth/authenticate", auth_not_enabled),
    AUTH_ROW("UserAdd", "/v3/auth/user/add", auth_user_add),
    AUTH_ROW("UserGet", "/v3/auth/user/get", auth_no_user),
    AUTH_ROW("UserList", "/v3/auth/user/list", rpc_reply_header),
    AUTH_ROW("UserDelete", "/v3/auth/user/delete", auth_no_user),
    AUTH_ROW("UserChangePassword", "/v3/auth/user/changepw", auth_no_user),
    AUTH_ROW("UserGrantRole", "/v3/auth/user/grant", auth_no_user),
    AUTH_ROW("UserRevokeRole", "/v3/auth/user/revoke", auth_no_user),
    AUTH_ROW("RoleAdd", "/v3/auth/role/add", auth_role_add),
    AUTH_ROW("RoleGet", "/v3/auth/role/get", auth_no_role),
    AUTH_ROW("RoleList", "/v3/auth/role/list", rpc_reply_header),
    AUTH_ROW("RoleDelete", "/v3/auth/role/delete", auth_no_role),
    AUTH_ROW("RoleGrantPermission", "/v3/auth/role/grant", auth_no_role),
    AUTH_ROW("RoleRevokePermission", "/v3/auth/role/revoke", auth_no_role),
};
const size_t rpc_auth_count = sizeof rpc_auth_methods / sizeof *rpc_auth_methods;
