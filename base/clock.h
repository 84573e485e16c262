/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks, in one place so that everything else can be handed a time. Nanoseconds. The core, the store
 * and the simulator never call these.
 */
#pragma once

#include <stdint.h>

#define CLOCK_NS_PER_MS UINT64_C(1000000)
#define CLOCK_NS_PER_S UINT64_C(1000000000)
#define CLOCK_MS_PER_S INT64_C(1000)

/* CLOCK_BOOTTIME: counts while the machine is suspended, so a lease cannot outlive a suspend. */
uint64_t clock_steady_ns(void);
uint64_t clock_steady_ms(void);
/* CLOCK_REALTIME since 1970: for records that people read, never for an order or a deadline. */
int64_t clock_wall_ns(void);
