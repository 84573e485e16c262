/* SPDX-License-Identifier: Apache-2.0 */
/* A served replica of one, in a directory of its own, and clients of it. */
#pragma once

#include "api/control.h"
#include "replica/replica.h"

enum {
	FIXTURE_READ_MS = 150,
	FIXTURE_WRITE_MS = 150,
	FIXTURE_PROGRESS_MS = 300,
	FIXTURE_VALUE_BYTES_MAX = 1 << 20,
	FIXTURE_ANSWERS_BYTES_MAX = 8 << 20
};

struct fixture {
	char directory[32];
	char control_path[64], http_port[8];
	struct replica *replica;
	struct api *api;
	struct arena arena;
	uint32_t timeout_ms; /* of the calls that are sent; 0: none */
};

/* For cmocka_unit_test_setup_teardown(). */
int fixture_begin(void **state);
int fixture_end(void **state);
struct fixture *fixture_of(void **state);

/* ---- the control socket ---- */

int fixture_connect(struct fixture *fixture);
void fixture_send(struct fixture *fixture, int fd, const char *method, bool local, const void *request);
/* In the fixture's arena. Fails the test when the connection ends. */
const Etcfs__Control__Answer *fixture_answer(struct fixture *fixture, int fd);
/* One call on a connection of its own. */
const Etcfs__Control__Answer *fixture_ask(struct fixture *fixture, const char *method, bool local, const void *request);
/* The response of an answer that must have no error. */
const void *fixture_response(struct fixture *fixture, const Etcfs__Control__Answer *answer,
                             const ProtobufCMessageDescriptor *type);
bool fixture_is_closed(int fd); /* waits for a byte or the end: true at the end */

void fixture_put(struct fixture *fixture, const char *key, const char *value);
/* By another member, without the api. */
void fixture_put_elsewhere(struct fixture *fixture, const char *key, struct bytes value);

/* ---- HTTP ---- */

int fixture_connect_http(struct fixture *fixture);
/* Sends the text, and returns everything up to the end of the connection; in the fixture's arena. */
const char *fixture_http(struct fixture *fixture, const char *text);
