/* SPDX-License-Identifier: Apache-2.0 */
/* A served replica of one, and a client of gRPC that is connected to it. */
#pragma once

#include "api/rpc.h"
#include "tests/unit/api/fixture.h"
#include "tests/unit/api/grpc_client.h"

extern struct client rpc_client;

/* For cmocka_unit_test_setup_teardown(). */
int rpc_fixture_begin(void **state);
int rpc_fixture_end(void **state);

/* The path is "/package.Service/Method". The answer of a unary call that must end well. */
const void *rpc_answer_of(const char *path, const void *request, const ProtobufCMessageDescriptor *type);
void assert_refused(const char *path, const void *request, enum rpc_code code, const char *message);
