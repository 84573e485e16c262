/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of etcfs: what was asked for on the command line, and the table of what can be. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"

/* The exit status: documented in etcfs(1). */
enum cli_exit { EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NOT_FOUND, EXIT_NO_CONNECTION };

enum {
	COMMAND_ARGUMENTS_MAX = 2,
};

struct invocation {
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	size_t argument_count;
	const char *data_directory, *endpoint; /* NULL: not given */
	const char *revision, *limit;
	bool json, local, recursive, long_form, help, version;
};

struct command {
	const char *name;
	const char *arguments; /* as the help shows them */
	size_t arguments_min, arguments_max;
	const char *options; /* the letters of those that it takes: see command_options in command.c */
	const char *summary; /* one line */
	const char *help;    /* what it does, and examples */
	enum cli_exit (*run)(const struct invocation *invocation, struct arena *arena);
};

/* NULL: there is none; *ret_nearest is one that may have been meant, or NULL. */
const struct command *command_find(const char *name, const char **ret_nearest);

/* Reads the words after the program's name. EXIT_USAGE, and says why. *ret_command is NULL with --help and --version alone. */
enum cli_exit command_parse(int argc, char *const *argv, struct invocation *ret_invocation,
                            const struct command **ret_command) MUST_USE;

void command_print_help(const struct command *command, FILE *file);
void command_print_overview(FILE *file);

enum cli_exit command_status(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_members(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_get(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_put(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_del(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_ls(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_watch(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_log(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_help(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_version(const struct invocation *invocation, struct arena *arena);

/* "etcfs: …" on standard error. Returns the status. */
enum cli_exit command_fail(enum cli_exit status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole number above zero, or EXIT_USAGE with a complaint that names the option. */
enum cli_exit command_number(const char *option, const char *text, int64_t *ret_number) MUST_USE;
