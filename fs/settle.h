/* SPDX-License-Identifier: Apache-2.0 */
/* An operation on names or attributes of what is staged here has it committed first, so that it means the same on every node. */
#pragma once

#include <stdbool.h>

struct call;

/* True: something has to be committed; the call goes on by call_run() after it, or ends with its error. */
bool settle_waits(struct call *call);
