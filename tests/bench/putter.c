/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/putter.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/control.h"
#include "base/file.h"
#include "base/proto.h"

enum { ANSWER_BYTES_MAX = 1 << 16, READ_BYTES = 4096 };

static _Noreturn void putter_fail(const char *what, const char *detail)
{
	fprintf(stderr, "load: put: %s: %s\n", what, detail);
	exit(1);
}

static void putter_require(enum err err, const char *what)
{
	if (err != ERR_OK)
		putter_fail(what, err_text(err));
}

void putter_open(struct putter *putter, const char *control_path, const char *key, struct bytes value)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	Etcfs__Control__PutRequest put = ETCFS__CONTROL__PUT_REQUEST__INIT;
	put.key = proto_data(bytes_of_string(key));
	put.value = proto_data(value);
	Etcfs__Control__Call call = ETCFS__CONTROL__CALL__INIT;
	call.method = arena_dup_string(&arena, BYTES_LITERAL("put"));
	call.request = proto_data(control_pack(&put.base, &arena));
	buffer_init(&putter->request, CONTROL_FRAME_BYTES_MAX);
	buffer_init(&putter->answer, ANSWER_BYTES_MAX);
	putter_require(control_put_frame(&putter->request, &call.base), "the request");
	putter_require(control_connect(control_path, &putter->fd), control_path);
}

void putter_close(struct putter *putter)
{
	close(putter->fd);
	buffer_fini(&putter->request);
	buffer_fini(&putter->answer);
}

/* The answer's frame, once it is whole. */
static bool putter_read(struct putter *putter, struct bytes *ret_body, size_t *ret_used)
{
	putter_require(control_find_frame(buffer_bytes(&putter->answer), ret_body, ret_used), "the answer");
	if (*ret_used > 0)
		return true;
	uint8_t chunk[READ_BYTES];
	ssize_t size = read(putter->fd, chunk, sizeof(chunk));
	if (size <= 0)
		putter_fail("the connection", "closed");
	putter_require(buffer_append(&putter->answer, bytes_of(chunk, (size_t)size)), "the answer");
	return false;
}

void putter_put(struct putter *putter)
{
	putter_require(file_write_all(putter->fd, buffer_bytes(&putter->request)), "the request");
	struct bytes body;
	size_t used;
	while (!putter_read(putter, &body, &used))
		;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	ProtobufCMessage *message;
	putter_require(control_unpack(&etcfs__control__answer__descriptor, body, &arena, &message), "the answer");
	const Etcfs__Control__Answer *answer = (const Etcfs__Control__Answer *)message;
	if (answer->error[0] != '\0')
		putter_fail(answer->error, answer->detail);
	buffer_consume(&putter->answer, used);
}
