/* SPDX-License-Identifier: Apache-2.0 */
/* A point of the history as people write it: a revision, a time, or how long ago. */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum when_kind { WHEN_REVISION, WHEN_TIME };

struct when {
	enum when_kind kind;
	int64_t revision; /* REVISION: above zero */
	int64_t time_ns;  /* TIME: since 1970 */
};

/* "4711"; "2026-12-01", "2026-12-01T13:00", "2026-12-01T13:00:05.25", with "Z", an offset as "+01:00", or none, which is UTC as well, for
 * so every record is shown, and a blank will do for the "T"; "-10m", "-1h30m" before now_ns. ERR_INVALID. */
enum err when_parse(const char *text, int64_t now_ns, struct when *ret_when) MUST_USE;
