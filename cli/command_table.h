/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the commands and their options: names, arguments, help. */
#pragma once

#include "cli/command.h"

extern const struct command commands[];
extern const size_t command_count;

struct command_option {
	const char *name, *argument; /* argument NULL: a switch */
	char letter;                 /* of those commands that take it; 0: all do */
	char short_name;             /* 0: none */
	size_t offset;               /* in struct invocation: of a const char *, or of a switch's bool */
	const char *help;
};

extern const struct command_option command_options[];
extern const size_t command_option_count;

/* NULL: no command yet, which takes only the options that all take. */
bool command_takes(const struct command *command, const struct command_option *option);
/* The row is one step below the parent: "member add" below "member", "member" below NULL. */
bool command_is_below(const struct command *command, const struct command *parent);
/* Of several words, the last. */
const char *command_last_word(const struct command *command);
