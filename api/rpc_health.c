/* SPDX-License-Identifier: Apache-2.0 */
/* The service grpc.health.v1.Health, for the server as a whole: the name "". */
#include "api/proto/health.pb-c.h"
#include "api/rpc_rows.h"

/* False: it was answered that there is no such service. */
static bool health_knows(struct rpc_call *call)
{
	const Grpc__Health__V1__HealthCheckRequest *request = (Grpc__Health__V1__HealthCheckRequest *)call->request;
	if (request->service[0] == '\0')
		return true;
	rpc_finish(call, RPC_NOT_FOUND, "unknown service");
	return false;
}

static Grpc__Health__V1__HealthCheckResponse health_is_serving(void)
{
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
	return response;
}

static void health_check_begin(struct rpc_call *call)
{
	if (!health_knows(call))
		return;
	const Grpc__Health__V1__HealthCheckResponse response = health_is_serving();
	rpc_reply(call, &response.base);
}

/* It serves as long as it can be asked: said once, and the stream stays. */
static void health_watch_begin(struct rpc_call *call)
{
	if (!health_knows(call))
		return;
	const Grpc__Health__V1__HealthCheckResponse response = health_is_serving();
	enum err err = rpc_send(call, &response.base);
	if (err != ERR_OK)
		rpc_fail(call, err);
}

const struct rpc_method rpc_health_methods[] = {
    {.service = &grpc__health__v1__health__descriptor, .name = "Check", .kind = RPC_UNARY, .begin = health_check_begin},
    {.service = &grpc__health__v1__health__descriptor,
     .name = "Watch",
     .kind = RPC_SERVER_STREAM,
     .begin = health_watch_begin},
};
const size_t rpc_health_count = sizeof rpc_health_methods / sizeof *rpc_health_methods;
