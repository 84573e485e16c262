/* SPDX-License-Identifier: Apache-2.0 */
/* The client port of a replica of one, in this process, without a port: made once, and for ever. */
#pragma once

#include "api/service.h"

/* The other end of a connection to it. */
int served_connect(void);
/* Runs it on the api role, and waits. */
void served_run(void (*run)(const struct service *service, void *argument), void *argument);
