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
	COMMAND_ARGUMENTS_MAX = 3,
	COMMANDS_MAX = 64, /* rows of each table */
};

struct invocation {
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	size_t argument_count;
	const char *data_directory, *endpoint; /* NULL: not given */
	const char *revision, *limit, *timeout, *at, *to;
	bool dry_run, remove, json, local, recursive, long_form, help, version;
};

struct command {
	const char *name;      /* of one word, or of several: "member add" is found below "member" */
	const char *arguments; /* as the help shows them */
	size_t arguments_min, arguments_max;
	const char *options; /* the letters of those that it takes: see cli/command_table.c */
	const char *summary; /* one line */
	const char *help;    /* what it does, and examples */
	/* NULL: only the commands below it do something. One that has commands below it takes no arguments. */
	enum cli_exit (*run)(const struct invocation *invocation, struct arena *arena);
};

/* The command of this last word below the parent (NULL: of this one word). NULL: there is none; *ret_nearest is a word that
 * may have been meant, or NULL. */
const struct command *command_find(const struct command *parent, const char *word, const char **ret_nearest);
/* One step down from *command. EXIT_USAGE, and says why. */
enum cli_exit command_descend(const char *word, const struct command **command) MUST_USE;

/* Reads the words after the program's name. EXIT_USAGE, and says why. *ret_command is NULL with --help and --version alone. */
enum cli_exit command_parse(int argc, char *const *argv, struct invocation *ret_invocation,
                            const struct command **ret_command) MUST_USE;

void command_print_help(const struct command *command, FILE *file);
void command_print_overview(FILE *file);

enum cli_exit command_status(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_members(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_member_add(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_member_remove(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_member_promote(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_member_demote(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_member_update(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_leader(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_leader_move(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_get(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_put(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_del(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_ls(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_watch(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_log(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_diff(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_edit(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_restore(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_apply(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_help(const struct invocation *invocation, struct arena *arena);
enum cli_exit command_version(const struct invocation *invocation, struct arena *arena);

/* "etcfs: …" on standard error. Returns the status. */
enum cli_exit command_fail(enum cli_exit status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A whole number above zero, or EXIT_USAGE with a complaint that names the option. */
enum cli_exit command_number(const char *option, const char *text, int64_t *ret_number) MUST_USE;
