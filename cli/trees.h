/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of many files is shown as. */
#pragma once

#include "api/control.h"
#include "cli/command.h"

/* Asks for it, as the user that runs this, and prints what was changed. */
enum cli_exit trees_apply(const struct invocation *invocation, Etcfs__Control__ApplyRequest *request,
                          struct arena *arena) MUST_USE;
