/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/rpc_fixture.h"

#include "tests/unit/unit.h"

struct client rpc_client;

int rpc_fixture_begin(void **state)
{
	int failed = fixture_begin(state);
	client_open(&rpc_client, fixture_connect_http(fixture_of(state)));
	return failed;
}

int rpc_fixture_end(void **state)
{
	client_close(&rpc_client);
	return fixture_end(state);
}

const void *rpc_answer_of(const char *path, const void *request, const ProtobufCMessageDescriptor *type)
{
	const struct client_call *call = client_ask(&rpc_client, path, request);
	assert_string_equal(call->message, "");
	assert_int_equal(call->code, RPC_OK);
	assert_int_equal(call->message_count, 1);
	return client_message(call, 0, type);
}

void assert_refused(const char *path, const void *request, enum rpc_code code, const char *message)
{
	const struct client_call *call = client_ask(&rpc_client, path, request);
	assert_string_equal(call->message, message);
	assert_int_equal(call->code, code);
}
