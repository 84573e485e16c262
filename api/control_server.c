/* SPDX-License-Identifier: Apache-2.0 */
#include "api/control_server.h"

#include "api/call.h"
#include "api/control.h"
#include "api/watch.h"
#include "base/log.h"

static void control_opened(struct connection *connection)
{
	(void)connection; /* nothing is kept before its first call */
}

static void control_received(struct connection *connection)
{
	while (!connection_is_busy(connection)) {
		struct bytes frame;
		size_t used;
		if (control_find_frame(buffer_bytes(&connection->input), &frame, &used) != ERR_OK) {
			log_info("control_frame_too_large", "bytes_max=%d", CONTROL_FRAME_BYTES_MAX);
			connection_close(connection);
			return;
		}
		if (used == 0)
			return;
		call_begin(connection->set->context, connection, frame);
		if (!connection->closed)
			buffer_consume(&connection->input, used); /* call_begin() has copied what it keeps */
	}
}

static void control_drained(struct connection *connection)
{
	struct call *call = connection->state;
	if (call != NULL && call->watch != NULL)
		watch_go_on(call->watch);
}

static void control_closed(struct connection *connection)
{
	if (connection->state != NULL)
		call_abandon(connection->state);
	connection->state = NULL;
}

const struct connection_protocol control_protocol = {
    .name = "control",
    .connections_max = 64, /* of the owner of the data directory alone */
    .input_bytes_max = CONTROL_FRAME_HEAD_BYTES + CONTROL_FRAME_BYTES_MAX,
    .output_bytes_max = 2 * (CONTROL_FRAME_HEAD_BYTES + CONTROL_FRAME_BYTES_MAX),
    .request_ms_max = 60 * 1000,
    .idle_ms_max = 5 * 60 * 1000,
    .stalled_ms_max = 60 * 60 * 1000, /* a watch in a terminal that is scrolled up or stopped */
    .opened = control_opened,
    .received = control_received,
    .drained = control_drained,
    .closed = control_closed,
};
