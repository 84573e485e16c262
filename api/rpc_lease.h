/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

/* Positive, and by chance not given yet. */
int64_t rpc_lease_new_id(void);
