/* SPDX-License-Identifier: Apache-2.0 */
/* What a member may be called: its name stands in paths, in lists with ',' and '=', and in log lines. */
#pragma once

#include <stdbool.h>

enum { NAME_BYTES_MAX = 64 };

/* A-Z a-z 0-9 . _ - and neither a dot nor a dash in front. */
bool name_is_valid(const char *name);
