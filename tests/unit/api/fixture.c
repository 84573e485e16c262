/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/api/fixture.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/proto.h"
#include "tests/support/solo.h"
#include "tests/unit/unit.h"

static struct sockaddr_in fixture_loopback(uint16_t port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static uint16_t fixture_free_port(void)
{
	struct sockaddr_in address = fixture_loopback(0);
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

int fixture_begin(void **state)
{
	struct fixture *fixture = memory_new(sizeof *fixture);
	log_level_set(LOG_ERROR_LEVEL);
	snprintf(fixture->directory, sizeof fixture->directory, "/tmp/test_api.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	snprintf(fixture->control_path, sizeof fixture->control_path, "%s/control.sock", fixture->directory);
	snprintf(fixture->http_port, sizeof fixture->http_port, "%u", fixture_free_port());
	struct replica_options replica = {.name = "n1", .data_directory = fixture->directory, .memory_bytes = 8 << 20};
	assert_int_equal(replica_open(&replica, &fixture->replica), ERR_OK);
	struct api_address address = {"127.0.0.1", fixture->http_port};
	struct api_options api = {
	    .control_path = fixture->control_path,
	    .listen = &address,
	    .listen_count = 1,
	    .read_timeout_ms = FIXTURE_READ_MS,
	    .write_timeout_ms = FIXTURE_WRITE_MS,
	    .watch_progress_ms = FIXTURE_PROGRESS_MS,
	    .value_bytes_max = FIXTURE_VALUE_BYTES_MAX,
	    .answers_bytes_max = FIXTURE_ANSWERS_BYTES_MAX,
	    .version = "1.2.3",
	};
	assert_int_equal(api_open(&api, fixture->replica, &fixture->api), ERR_OK);
	assert_int_equal(replica_start(fixture->replica), ERR_OK);
	assert_int_equal(api_start(fixture->api), ERR_OK);
	*state = fixture;
	return 0;
}

int fixture_end(void **state)
{
	struct fixture *fixture = *state;
	api_stop(fixture->api);
	replica_stop(fixture->replica);
	api_close(fixture->api);
	replica_close(fixture->replica);
	arena_fini(&fixture->arena);
	enum err err = file_remove_tree(fixture->directory);
	free(fixture);
	return err == ERR_OK ? 0 : -1;
}

struct fixture *fixture_of(void **state)
{
	return *state;
}

/* ---- the control socket ---- */

static void fixture_bound_wait(int fd)
{
	struct timeval long_enough = {.tv_sec = 20};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof long_enough);
}

int fixture_connect(struct fixture *fixture)
{
	int fd;
	assert_int_equal(control_connect(fixture->control_path, &fd), ERR_OK);
	fixture_bound_wait(fd);
	return fd;
}

void fixture_send(struct fixture *fixture, int fd, const char *method, bool local, const void *request)
{
	Etcfs__Control__Call call = ETCFS__CONTROL__CALL__INIT;
	call.method = (char *)method;
	call.local = local;
	call.timeout_ms = fixture->timeout_ms;
	call.request = proto_data(control_pack(request, &fixture->arena));
	struct buffer frame;
	buffer_init(&frame, 2 * CONTROL_FRAME_BYTES_MAX);
	assert_int_equal(control_put_frame(&frame, &call.base), ERR_OK);
	assert_int_equal(file_write_all(fd, buffer_bytes(&frame)), ERR_OK);
	buffer_fini(&frame);
}

static void fixture_read(int fd, uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t got = recv(fd, data, size, 0);
		if (got <= 0)
			fail_msg("the connection ended");
		data += got;
		size -= (size_t)got;
	}
}

const Etcfs__Control__Answer *fixture_answer(struct fixture *fixture, int fd)
{
	uint8_t head[CONTROL_FRAME_HEAD_BYTES];
	ProtobufCMessage *answer;
	fixture_read(fd, head, sizeof head);
	size_t size = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
	uint8_t *body = arena_take(&fixture->arena, size);
	fixture_read(fd, body, size);
	assert_int_equal(
	    control_unpack(&etcfs__control__answer__descriptor, bytes_of(body, size), &fixture->arena, &answer),
	    ERR_OK);
	return (const Etcfs__Control__Answer *)answer;
}

const Etcfs__Control__Answer *fixture_ask(struct fixture *fixture, const char *method, bool local, const void *request)
{
	int fd = fixture_connect(fixture);
	fixture_send(fixture, fd, method, local, request);
	const Etcfs__Control__Answer *answer = fixture_answer(fixture, fd);
	close(fd);
	return answer;
}

const void *fixture_response(struct fixture *fixture, const Etcfs__Control__Answer *answer,
                             const ProtobufCMessageDescriptor *type)
{
	ProtobufCMessage *response;
	assert_string_equal(answer->error, "");
	assert_int_equal(control_unpack(type, proto_bytes(answer->response), &fixture->arena, &response), ERR_OK);
	return response;
}

bool fixture_is_closed(int fd)
{
	uint8_t byte;
	return recv(fd, &byte, 1, 0) == 0;
}

void fixture_put(struct fixture *fixture, const char *key, const char *value)
{
	Etcfs__Control__PutRequest request = ETCFS__CONTROL__PUT_REQUEST__INIT;
	request.key = proto_data(bytes_of_string(key));
	request.value = proto_data(bytes_of_string(value));
	assert_string_equal(fixture_ask(fixture, "put", false, &request)->error, "");
}

void fixture_put_elsewhere(struct fixture *fixture, const char *key, struct bytes value)
{
	struct kv_op op = {.kind = KV_PUT, .put = {.key = bytes_of_string(key), .value = value, .keep_attr = true}};
	struct kv_command command = {.kind = KV_COMMAND_TXN, .txn = {.success = &op, .success_count = 1}};
	struct kv_result *result = solo_apply_remote(fixture->replica, &command);
	assert_int_equal(result->err, ERR_OK);
	kv_result_free(result);
}

/* ---- HTTP ---- */

int fixture_connect_http(struct fixture *fixture)
{
	struct sockaddr_in address = fixture_loopback((uint16_t)strtoul(fixture->http_port, NULL, 10));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	fixture_bound_wait(fd);
	return fd;
}

const char *fixture_http(struct fixture *fixture, const char *text)
{
	int fd = fixture_connect_http(fixture);
	/* The daemon may refuse, and close, before it has read all of it: what it said counts. */
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	struct buffer all;
	buffer_init(&all, 1 << 20);
	uint8_t bytes[4096];
	for (ssize_t size; (size = recv(fd, bytes, sizeof bytes, 0)) > 0;)
		buffer_put(&all, bytes_of(bytes, (size_t)size));
	close(fd);
	char *answer = arena_dup_string(&fixture->arena, buffer_bytes(&all));
	buffer_fini(&all);
	return answer;
}
