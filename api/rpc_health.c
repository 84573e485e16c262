/* SPDX-License-Identifier: Apache-2.0 */
/* The service grpc.health.v1.Health, for the server as a whole: the name "". */
#include "api/proto/health.pb-c.h"
#include "api/rpc_rows.h"

static bool health_is_of_all(const struct rpc_call *call)
{
	return ((const Grpc__Health__V1__HealthCheckRequest *)call->request)->service[0] == '\0';
}

static Grpc__Health__V1__HealthCheckResponse health_of(const struct rpc_call *call)
{
	Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
	response.status = health_is_of_all(call)
	                      ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
	                      : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
	return response;
}

static void health_check_begin(struct rpc_call *call)
{
	const Grpc__Health__V1__HealthCheckResponse response = health_of(call);
	if (health_is_of_all(call))
		rpc_reply(call, &response.base);
	else
		rpc_finish(call, RPC_NOT_FOUND, "unknown service");
}

/* It serves as long as it can be asked: said once, and the stream stays. So it does for a service that is not known: it might come. */
static void health_watch_begin(struct rpc_call *call)
{
	const Grpc__Health__V1__HealthCheckResponse response = health_of(call);
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
