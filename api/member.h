/* SPDX-License-Identifier: Apache-2.0 */
/* The member that people mean: by its name, or by its id in hexadecimal. */
#pragma once

#include "base/arena.h"
#include "replica/replica.h"

/* ERR_NOT_FOUND, or ERR_INVALID when several are called so; *ret_why then says whom there is to choose from, in the arena. */
enum err member_find(const struct replica_status *status, const char *word, struct arena *arena, uint64_t *ret_id,
                     const char **ret_why) MUST_USE;
/* "" when it is none. Lives as the status does. */
const char *member_name(const struct replica_status *status, uint64_t id);
