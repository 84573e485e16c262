/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "tests/unit/api/rpc_fixture.h"

#define AUTH "/etcdserverpb.Auth/"

static void it_is_not_enabled(void **state)
{
	const Etcdserverpb__AuthStatusRequest request = ETCDSERVERPB__AUTH_STATUS_REQUEST__INIT;
	const Etcdserverpb__AuthStatusResponse *answer =
	    rpc_answer_of(AUTH "AuthStatus", &request, &etcdserverpb__auth_status_response__descriptor);
	assert_false(answer->enabled);
	assert_int_equal(answer->authrevision, 1);
	assert_int_equal(answer->header->revision, 1);
}

static void there_are_no_users_and_no_roles(void **state)
{
	const Etcdserverpb__AuthUserListRequest request = ETCDSERVERPB__AUTH_USER_LIST_REQUEST__INIT;
	const Etcdserverpb__AuthUserListResponse *users =
	    rpc_answer_of(AUTH "UserList", &request, &etcdserverpb__auth_user_list_response__descriptor);
	const Etcdserverpb__AuthRoleListResponse *roles =
	    rpc_answer_of(AUTH "RoleList", &request, &etcdserverpb__auth_role_list_response__descriptor);
	assert_int_equal(users->n_users, 0);
	assert_int_equal(roles->n_roles, 0);
	rpc_answer_of(AUTH "AuthDisable", &request, &etcdserverpb__auth_disable_response__descriptor);
}

static void who_asks_for_more_is_told_why_not(void **state)
{
	static const struct {
		const char *path;
		enum rpc_code code;
		const char *message;
	} rows[] = {
	    {AUTH "AuthEnable", RPC_FAILED_PRECONDITION, "etcdserver: root user does not exist"},
	    {AUTH "Authenticate", RPC_FAILED_PRECONDITION, "etcdserver: authentication is not enabled"},
	    {AUTH "UserAdd", RPC_INVALID_ARGUMENT, "etcdserver: user name is empty"},
	    {AUTH "UserGet", RPC_FAILED_PRECONDITION, "etcdserver: user name not found"},
	    {AUTH "UserDelete", RPC_FAILED_PRECONDITION, "etcdserver: user name not found"},
	    {AUTH "UserChangePassword", RPC_FAILED_PRECONDITION, "etcdserver: user name not found"},
	    {AUTH "UserGrantRole", RPC_FAILED_PRECONDITION, "etcdserver: user name not found"},
	    {AUTH "UserRevokeRole", RPC_FAILED_PRECONDITION, "etcdserver: user name not found"},
	    {AUTH "RoleAdd", RPC_INVALID_ARGUMENT, "etcdserver: role name is empty"},
	    {AUTH "RoleGet", RPC_FAILED_PRECONDITION, "etcdserver: role name not found"},
	    {AUTH "RoleDelete", RPC_FAILED_PRECONDITION, "etcdserver: role name not found"},
	    {AUTH "RoleGrantPermission", RPC_FAILED_PRECONDITION, "etcdserver: role name not found"},
	    {AUTH "RoleRevokePermission", RPC_FAILED_PRECONDITION, "etcdserver: role name not found"},
	};
	const Etcdserverpb__AuthEnableRequest empty = ETCDSERVERPB__AUTH_ENABLE_REQUEST__INIT;
	for (size_t at = 0; at < sizeof rows / sizeof *rows; at++)
		assert_refused(rows[at].path, &empty, rows[at].code, rows[at].message);
}

static void nobody_is_told_that_a_user_was_added(void **state)
{
	static const char later[] =
	    "etcfs: users and roles are not served yet; they come with authentication in a later version";
	Etcdserverpb__AuthUserAddRequest user = ETCDSERVERPB__AUTH_USER_ADD_REQUEST__INIT;
	Etcdserverpb__AuthRoleAddRequest role = ETCDSERVERPB__AUTH_ROLE_ADD_REQUEST__INIT;
	user.name = role.name = (char *)"root";
	assert_refused(AUTH "UserAdd", &user, RPC_UNIMPLEMENTED, later);
	assert_refused(AUTH "RoleAdd", &role, RPC_UNIMPLEMENTED, later);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(it_is_not_enabled),
	    CASE(there_are_no_users_and_no_roles),
	    CASE(who_asks_for_more_is_told_why_not),
	    CASE(nobody_is_told_that_a_user_was_added),
	};
	return UNIT_RUN(tests);
}
