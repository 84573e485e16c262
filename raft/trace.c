/* SPDX-License-Identifier: Apache-2.0 */
#include "raft/core.h"

#include <stdarg.h>
#include <stdio.h>

void raft_say(const struct raft *raft, const char *format, ...)
{
	char line[256];
	va_list arguments;
	if (raft->options.trace == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	raft->options.trace(raft->options.trace_argument, line);
}
