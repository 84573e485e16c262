/* SPDX-License-Identifier: Apache-2.0 */
/* The control protocol, the daemon's end: frames become calls. The context of its connections is the service. */
#pragma once

#include "api/connection.h"

extern const struct connection_protocol control_protocol;
