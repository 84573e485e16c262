/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and times as people write them. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/* "4096", "64KiB", "64K", "64KB" (all powers of two), up to TiB. ERR_INVALID. */
enum err quantity_bytes(const char *text, uint64_t *ret_bytes) MUST_USE;
/* "4096". ERR_INVALID. */
enum err quantity_count(const char *text, uint64_t *ret_count) MUST_USE;
/* "72h", "1h30m", "500ms": numbers with units, added up; a hundred years at most. ERR_INVALID. */
enum err quantity_duration_ms(const char *text, uint64_t *ret_ms) MUST_USE;
/* "500", "500ms", "10s", "2m", "1h". A day at most. ERR_INVALID. */
enum err quantity_ms(const char *text, uint64_t *ret_ms) MUST_USE;
