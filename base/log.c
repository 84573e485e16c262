/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOG_LINE_BYTES_MAX = 2048 }; /* one write(2), so lines of threads never mix */

static _Atomic int log_level_min = LOG_INFO_LEVEL;
static char log_name[64];

static const struct {
	const char *word, *priority;
} log_levels[] = {
    [LOG_DEBUG_LEVEL] = {"debug", "<7>"},
    [LOG_INFO_LEVEL] = {"info", "<6>"},
    [LOG_WARN_LEVEL] = {"warn", "<4>"},
    [LOG_ERROR_LEVEL] = {"error", "<3>"},
};

void log_level_set(enum log_level level)
{
	atomic_store(&log_level_min, (int)level);
}

void log_name_set(const char *name)
{
	snprintf(log_name, sizeof log_name, "%s%s", name != NULL ? name : "", name != NULL ? " " : "");
}

static int log_head(char *line, size_t size, enum log_level level)
{
	if (getenv("JOURNAL_STREAM") != NULL)
		return snprintf(line, size, "%s", log_levels[level].priority);
	int64_t now_ns = clock_wall_ns();
	time_t seconds = now_ns / (int64_t)CLOCK_NS_PER_S;
	struct tm utc;
	gmtime_r(&seconds, &utc);
	char time[32];
	strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &utc);
	return snprintf(line, size, "%s.%06dZ %s ", time, (int)(now_ns % (int64_t)CLOCK_NS_PER_S / 1000),
	                log_levels[level].word);
}

static void log_line(enum log_level level, const char *event, const char *format, va_list arguments)
{
	if ((int)level < atomic_load_explicit(&log_level_min, memory_order_relaxed))
		return;
	char line[LOG_LINE_BYTES_MAX];
	size_t used = (size_t)log_head(line, sizeof line, level);
	used +=
	    (size_t)snprintf(line + used, sizeof line - used, "%s%s%s", log_name, event, format[0] != '\0' ? " " : "");
	int rest = vsnprintf(line + used, sizeof line - used, format, arguments);
	used += rest > 0 ? (size_t)rest : 0;
	if (used > sizeof line - 1)
		used = sizeof line - 1;
	line[used] = '\n';
	ssize_t written = write(STDERR_FILENO, line, used + 1);
	(void)written; /* a log that cannot be written has nowhere to say so */
}

#define LOG_DEFINE(function, level)                                                                                    \
	void function(const char *event, const char *format, ...)                                                      \
	{                                                                                                              \
		va_list arguments;                                                                                     \
		va_start(arguments, format);                                                                           \
		log_line(level, event, format, arguments);                                                             \
		va_end(arguments);                                                                                     \
	}

LOG_DEFINE(log_debug, LOG_DEBUG_LEVEL)
LOG_DEFINE(log_info, LOG_INFO_LEVEL)
LOG_DEFINE(log_warn, LOG_WARN_LEVEL)
LOG_DEFINE(log_error, LOG_ERROR_LEVEL)

void log_fatal(const char *event, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	log_line(LOG_ERROR_LEVEL, event, format, arguments);
	va_end(arguments);
	_exit(1);
}
