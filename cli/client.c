/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/proto.h"
#include "base/quantity.h"
#include "cli/terminal.h"

enum {
	CLIENT_READ_BYTES = 64 << 10,
	CLIENT_SPIN_MS = 120,
	CLIENT_SPIN_AFTER_MS = 400,        /* most answers are there before */
	CLIENT_PATIENT_MS = 5 * 60 * 1000, /* above every time-out that a daemon is likely to have */
	CLIENT_IMPATIENT_MS = 5 * 1000,
};

/* ---- finding the node ---- */

static const char *client_path_of_endpoint(const char *endpoint)
{
	static const char scheme[] = "unix://";
	return strncmp(endpoint, scheme, sizeof scheme - 1) == 0 ? endpoint + sizeof scheme - 1 : NULL;
}

static bool client_is_there(const char *path)
{
	struct stat status;
	return lstat(path, &status) == 0 || errno == EACCES;
}

/* Where a daemon usually is; the last when it is nowhere, so that the complaint names one. */
static const char *client_usual_path(void)
{
	static const char *const usual[] = {"default.etcfs/control.sock", "/var/lib/etcfs/control.sock"};
	return client_is_there(usual[0]) ? usual[0] : usual[1];
}

static enum cli_exit client_find(const struct invocation *invocation, struct arena *arena, const char **ret_path)
{
	const char *endpoint = invocation->endpoint, *directory = invocation->data_directory;
	if (endpoint != NULL && directory != NULL)
		return command_fail(EXIT_USAGE, "--endpoint and --data-dir are two ways to say the same: give one");
	if (endpoint == NULL && directory == NULL)
		endpoint = getenv("ETCFS_ENDPOINT");
	if (endpoint == NULL && directory == NULL)
		directory = getenv("ETCFS_DATA_DIR");
	if (endpoint != NULL && client_path_of_endpoint(endpoint) == NULL)
		return command_fail(
		    EXIT_USAGE, "%s: an endpoint is unix:///DIR/control.sock; other nodes are asked on their machine",
		    endpoint);
	if (endpoint != NULL)
		*ret_path = client_path_of_endpoint(endpoint);
	else
		*ret_path = directory != NULL ? arena_format(arena, "%s/control.sock", directory) : client_usual_path();
	return EXIT_OK;
}

static enum cli_exit client_complain(const char *path, enum err err)
{
	if (err == ERR_NOT_FOUND)
		return command_fail(EXIT_NO_CONNECTION,
		                    "there is no %s: is etcfsd running, and is this its --data-dir?", path);
	if (err == ERR_UNREACHABLE)
		return command_fail(EXIT_NO_CONNECTION, "%s: etcfsd is not running; start it (systemctl start etcfsd)",
		                    path);
	if (err == ERR_PERMISSION)
		return command_fail(EXIT_NO_CONNECTION,
		                    "%s: permission denied; only the user that runs etcfsd may ask it (try sudo)",
		                    path);
	return command_fail(EXIT_NO_CONNECTION, "%s: %s", path, err_text(err));
}

static enum cli_exit client_timeout(const char *text, uint32_t *ret_ms)
{
	uint64_t ms = 0;
	if (text != NULL && (quantity_ms(text, &ms) != ERR_OK || ms == 0))
		return command_fail(EXIT_USAGE, "--timeout: '%s' is not a time: 500ms, 10s or 2m, a day at most", text);
	*ret_ms = (uint32_t)ms;
	return EXIT_OK;
}

enum cli_exit client_open(const struct invocation *invocation, struct arena *arena, struct client *ret_client)
{
	struct client client = {.arena = arena};
	enum cli_exit status = client_timeout(invocation->timeout, &client.timeout_ms);
	if (status == EXIT_OK)
		status = client_find(invocation, arena, &client.path);
	if (status != EXIT_OK)
		return status;
	enum err err = control_connect(client.path, &client.fd);
	if (err != ERR_OK)
		return client_complain(client.path, err);
	buffer_init(&client.input, CONTROL_FRAME_HEAD_BYTES + CONTROL_FRAME_BYTES_MAX + CLIENT_READ_BYTES);
	*ret_client = client;
	return EXIT_OK;
}

void client_close(struct client *client)
{
	close(client->fd);
	buffer_fini(&client->input);
}

/* ---- sending ---- */

static enum cli_exit client_lost(const struct client *client)
{
	return command_fail(EXIT_NO_CONNECTION, "%s: etcfsd closed the connection; it may have stopped", client->path);
}

static enum cli_exit client_write(struct client *client, struct bytes bytes)
{
	while (bytes.size > 0) {
		ssize_t sent = send(client->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return client_lost(client);
		bytes = bytes_from(bytes, (size_t)sent);
	}
	return EXIT_OK;
}

enum cli_exit client_send(struct client *client, const char *method, bool local, const ProtobufCMessage *request)
{
	Etcfs__Control__Call call = ETCFS__CONTROL__CALL__INIT;
	call.method = (char *)method;
	call.local = local;
	call.timeout_ms = client->timeout_ms;
	call.request = proto_data(control_pack(request, client->arena));
	AUTO_BUFFER struct buffer frame;
	buffer_init(&frame, CONTROL_FRAME_HEAD_BYTES + CONTROL_FRAME_BYTES_MAX);
	if (control_put_frame(&frame, &call.base) != ERR_OK)
		return command_fail(EXIT_FAILED, "the value is larger than the %d MiB that a file may have",
		                    LIMIT_VALUE_BYTES >> 20);
	return client_write(client, buffer_bytes(&frame));
}

/* ---- receiving ---- */

/* Until something can be read; the spinner turns meanwhile. */
static enum cli_exit client_wait(struct client *client, int patience_ms)
{
	struct pollfd readable = {.fd = client->fd, .events = POLLIN};
	for (int waited_ms = 0; patience_ms < 0 || waited_ms < patience_ms; waited_ms += CLIENT_SPIN_MS) {
		int ready = poll(&readable, 1, patience_ms < 0 ? -1 : CLIENT_SPIN_MS);
		if (ready < 0 && errno != EINTR)
			return client_lost(client);
		if (ready > 0) {
			terminal_spin_end();
			return EXIT_OK;
		}
		if (waited_ms >= CLIENT_SPIN_AFTER_MS)
			terminal_spin("waiting for the others");
	}
	return command_fail(EXIT_NO_CONNECTION, "%s: etcfsd does not answer; is it stopped?", client->path);
}

static enum cli_exit client_read(struct client *client, int patience_ms)
{
	enum cli_exit status = client_wait(client, patience_ms);
	if (status != EXIT_OK)
		return status;
	uint8_t bytes[CLIENT_READ_BYTES];
	ssize_t size = recv(client->fd, bytes, sizeof bytes, 0);
	if (size <= 0)
		return client_lost(client);
	enum err err = buffer_append(&client->input, bytes_of(bytes, (size_t)size));
	check(err == ERR_OK); /* control_find_frame() refuses what does not fit before it has come */
	return EXIT_OK;
}

static enum cli_exit client_refused(const Etcfs__Control__Answer *answer)
{
	enum err err = control_err_of_name(answer->error);
	const char *text = err == ERR_PROTOCOL ? answer->error : err_text(err);
	if (answer->detail[0] != '\0')
		text = answer->detail;
	else if (err == ERR_TIMEOUT || err == ERR_NO_LEADER)
		return command_fail(EXIT_FAILED,
		                    "%s: no quorum was reached; see etcfs status (and --local to read anyway)", text);
	return command_fail(err == ERR_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED, "%s", text);
}

/* One frame, taken off the input; *ret_answer lives in the arena. */
static enum cli_exit client_next(struct client *client, int patience_ms, struct arena *arena,
                                 const Etcfs__Control__Answer **ret_answer)
{
	ProtobufCMessage *answer;
	struct bytes body = BYTES_NONE;
	size_t used = 0;
	while (used == 0) {
		enum err err = control_find_frame(buffer_bytes(&client->input), &body, &used);
		if (err != ERR_OK)
			return command_fail(EXIT_FAILED, "%s: %s", client->path, err_text(ERR_PROTOCOL));
		enum cli_exit status = used == 0 ? client_read(client, patience_ms) : EXIT_OK;
		if (status != EXIT_OK)
			return status;
	}
	enum err err = control_unpack(&etcfs__control__answer__descriptor, body, arena, &answer);
	buffer_consume(&client->input, used);
	if (err != ERR_OK)
		return command_fail(EXIT_FAILED, "%s: %s", client->path, err_text(err));
	*ret_answer = (const Etcfs__Control__Answer *)answer;
	return EXIT_OK;
}

enum cli_exit client_receive(struct client *client, const ProtobufCMessageDescriptor *type, int patience_ms,
                             struct arena *arena, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__Answer *answer = NULL;
	enum cli_exit status = client_next(client, patience_ms, arena, &answer);
	if (status != EXIT_OK)
		return status;
	if (answer->error[0] != '\0')
		return client_refused(answer);
	if (control_unpack(type, proto_bytes(answer->response), arena, ret_response) != ERR_OK)
		return command_fail(EXIT_FAILED, "%s: %s", client->path, err_text(ERR_PROTOCOL));
	return EXIT_OK;
}

enum cli_exit client_ask(const struct invocation *invocation, const struct client_call *call, struct arena *arena,
                         ProtobufCMessage **ret_response)
{
	struct client client;
	enum cli_exit status = client_open(invocation, arena, &client);
	if (status != EXIT_OK)
		return status;
	int patience_ms = call->patience == CLIENT_PATIENT ? CLIENT_PATIENT_MS : CLIENT_IMPATIENT_MS;
	if (client.timeout_ms != 0)
		patience_ms = (int)client.timeout_ms + CLIENT_IMPATIENT_MS; /* the daemon answers first */
	status = client_send(&client, call->method, invocation->local, call->request);
	if (status == EXIT_OK)
		status = client_receive(&client, call->response, patience_ms, arena, ret_response);
	client_close(&client);
	return status;
}
