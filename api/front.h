/* SPDX-License-Identifier: Apache-2.0 */
/* The client port, on which HTTP/1.1 and HTTP/2 begin alike: the first bytes say which of them a connection speaks. */
#pragma once

#include "api/connection.h"

extern const struct connection_protocol front_protocol;
