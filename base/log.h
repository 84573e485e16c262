/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of the process: one line per decision, `event key=value …`, to standard error. ON_ANY_THREAD.
 *
 *     log_info("leader_elected", "term=%" PRIu64 " name=%s", term, name);
 *
 * The level and the time's form are chosen once, at the start. With JOURNAL_STREAM set (systemd) lines
 * begin with the syslog priority instead of the time.
 */
#pragma once

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

void log_level_set(enum log_level level);
/* Put before each event of this process, such as the node's name; copied; NULL for none. */
void log_name_set(const char *name);

#define LOG_FORMAT __attribute__((format(printf, 2, 3)))
LOG_FORMAT void log_debug(const char *event, const char *format, ...);
LOG_FORMAT void log_info(const char *event, const char *format, ...);
LOG_FORMAT void log_warn(const char *event, const char *format, ...);
LOG_FORMAT void log_error(const char *event, const char *format, ...);
/* Logs, and ends the process with status 1: for a node that must not go on (a failed sync of its log). */
_Noreturn LOG_FORMAT void log_fatal(const char *event, const char *format, ...);
