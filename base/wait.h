/* SPDX-License-Identifier: Apache-2.0 */
/* Timed waits on a condition variable, by the clock of base/clock.h, which condition variables do not know. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

void wait_cond_init(pthread_cond_t *cond); /* for wait_until(); ended with pthread_cond_destroy() */
/* Waits once, with the mutex held, as pthread_cond_wait() does. UINT64_MAX: no deadline. False when clock_steady_ns() has
 * reached deadline_ns. */
bool wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns);
