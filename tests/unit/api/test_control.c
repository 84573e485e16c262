/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/control.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/proto.h"
#include "base/random.h"

static struct arena arena;
static struct buffer buffer;

static int state_begin(void **state)
{
	arena_init(&arena);
	buffer_init(&buffer, 1 << 20);
	return 0;
}

static int state_end(void **state)
{
	arena_fini(&arena);
	buffer_fini(&buffer);
	return 0;
}

static void put_call(const char *method, struct bytes request)
{
	Etcfs__Control__Call call = ETCFS__CONTROL__CALL__INIT;
	call.method = (char *)method;
	call.request = proto_data(request);
	assert_int_equal(control_put_frame(&buffer, &call.base), ERR_OK);
}

static void what_is_framed_is_found_again(void **state)
{
	put_call("get", BYTES_LITERAL("one"));
	put_call("put", BYTES_LITERAL("two"));
	struct bytes rest = buffer_bytes(&buffer), body;
	for (int turn = 0; turn < 2; turn++) {
		size_t used;
		ProtobufCMessage *message;
		assert_int_equal(control_find_frame(rest, &body, &used), ERR_OK);
		assert_int_equal(control_unpack(&etcfs__control__call__descriptor, body, &arena, &message), ERR_OK);
		assert_string_equal(((Etcfs__Control__Call *)message)->method, turn == 0 ? "get" : "put");
		rest = bytes_from(rest, used);
	}
	assert_int_equal(rest.size, 0);
}

static void a_frame_is_found_only_when_it_is_whole(void **state)
{
	put_call("get", BYTES_LITERAL("request"));
	for (size_t size = 0; size < buffer.size; size++) {
		struct bytes body;
		size_t used = 99;
		assert_int_equal(control_find_frame(bytes_of(buffer.data, size), &body, &used), ERR_OK);
		assert_int_equal(used, 0);
	}
}

static void a_frame_that_is_too_large_is_refused_by_its_head(void **state)
{
	struct bytes body;
	size_t used;
	buffer_put_u32(&buffer, CONTROL_FRAME_BYTES_MAX + 1);
	assert_int_equal(control_find_frame(buffer_bytes(&buffer), &body, &used), ERR_TOO_LARGE);
	buffer_clear(&buffer);
	buffer_put_u32(&buffer, UINT32_MAX);
	assert_int_equal(control_find_frame(buffer_bytes(&buffer), &body, &used), ERR_TOO_LARGE);
}

/* Whatever the bytes are: an error or a message, never a read outside of them (the sanitizers watch). */
static void any_bytes_are_a_message_or_an_error(void **state)
{
	static const ProtobufCMessageDescriptor *const types[] = {&etcfs__control__call__descriptor,
	                                                          &etcfs__control__answer__descriptor,
	                                                          &etcfs__control__status_response__descriptor,
	                                                          &etcfs__control__list_response__descriptor,
	                                                          &etcfs__control__watch_response__descriptor,
	                                                          &etcfs__control__log_response__descriptor};
	struct random random;
	random_init(&random, 20260101);
	FILE *nowhere = fopen("/dev/null", "w");
	size_t understood = 0;
	for (int turn = 0; turn < 20000; turn++) {
		uint8_t raw[64];
		size_t size = random_below(&random, sizeof raw + 1);
		for (size_t at = 0; at < size; at++)
			raw[at] = (uint8_t)random_below(&random, turn % 2 == 0 ? 256 : 32); /* small: tags and sizes */
		uint8_t *exact = memory_dup(raw, size); /* so that one byte too far is seen */
		ProtobufCMessage *message;
		struct bytes body;
		size_t used = 0;
		enum err err = control_find_frame(bytes_of(exact, size), &body, &used);
		assert_true(err == ERR_OK || err == ERR_TOO_LARGE);
		err = control_unpack(types[turn % 6], bytes_of(exact, size), &arena, &message);
		if (err == ERR_OK) {
			understood++;
			control_print_json(nowhere, message, CONTROL_ONE_LINE);
		} else {
			assert_int_equal(err, ERR_PROTOCOL);
		}
		free(exact);
		arena_reset(&arena);
	}
	fclose(nowhere);
	assert_true(understood > 100); /* else this tested nothing */
}

static void conditions_travel_by_name(void **state)
{
	assert_int_equal(control_err_of_name(""), ERR_OK);
	assert_int_equal(control_err_of_name("NOT_FOUND"), ERR_NOT_FOUND);
	assert_int_equal(control_err_of_name(err_name(ERR_MOUNT)), ERR_MOUNT);
	assert_int_equal(control_err_of_name("OF_LATER"), ERR_PROTOCOL);
}

static void connect_through(const char *path)
{
	int listener, client;
	assert_int_equal(control_listen(path, &listener), ERR_OK);
	struct stat status;
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(control_connect(path, &client), ERR_OK);
	close(client);
	close(listener);
	assert_int_equal(control_connect(path, &client), ERR_UNREACHABLE); /* nobody listens any more */
	assert_int_equal(control_listen(path, &listener), ERR_OK);         /* takes the dead one's place */
	close(listener);
	unlink(path);
	assert_int_equal(control_connect(path, &client), ERR_NOT_FOUND);
}

static void a_path_may_be_longer_than_an_address(void **state)
{
	char top[] = "/tmp/test_control.XXXXXX";
	assert_non_null(mkdtemp(top));
	connect_through(arena_format(&arena, "%s/s", top));
	const char *deep = top;
	for (int level = 0; level < 4; level++) {
		deep = arena_format(&arena, "%s/%060d", deep, level);
		assert_int_equal(mkdir(deep, 0700), 0);
	}
	connect_through(arena_format(&arena, "%s/control.sock", deep));
	assert_int_equal(file_remove_tree(top), ERR_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, state_begin, state_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(what_is_framed_is_found_again),
	    CASE(a_frame_is_found_only_when_it_is_whole),
	    CASE(a_frame_that_is_too_large_is_refused_by_its_head),
	    CASE(any_bytes_are_a_message_or_an_error),
	    CASE(conditions_travel_by_name),
	    CASE(a_path_may_be_longer_than_an_address),
	};
	return UNIT_RUN(tests);
}
