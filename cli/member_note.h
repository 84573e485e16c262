/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator would ask next about a member: why it does not vote yet, how far it has come, who takes its place. */
#pragma once

#include "api/control.h"

/* "" when there is nothing to say. In the arena, or static. */
const char *member_note(const Etcfs__Control__StatusResponse *status, const Etcfs__Control__Member *member,
                        struct arena *arena);
