/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/nearest.h"
#include "cli/command_table.h"
#include "cli/terminal.h"

/* ---- the tables ---- */

bool command_takes(const struct command *command, const struct command_option *option)
{
	return option->letter == 0 || (command != NULL && strchr(command->options, option->letter) != NULL);
}

bool command_is_below(const struct command *command, const struct command *parent)
{
	size_t size = parent != NULL ? strlen(parent->name) : 0;
	if (parent == NULL)
		return strchr(command->name, ' ') == NULL;
	return strncmp(command->name, parent->name, size) == 0 && command->name[size] == ' ' &&
	       strchr(command->name + size + 1, ' ') == NULL;
}

const char *command_last_word(const struct command *command)
{
	const char *space = strrchr(command->name, ' ');
	return space != NULL ? space + 1 : command->name;
}

const struct command *command_find(const struct command *parent, const char *word, const char **ret_nearest)
{
	const char *words[COMMANDS_MAX];
	size_t count = 0;
	check(command_count <= COMMANDS_MAX);
	for (size_t at = 0; at < command_count; at++) {
		if (!command_is_below(&commands[at], parent))
			continue;
		words[count++] = command_last_word(&commands[at]);
		if (strcmp(words[count - 1], word) == 0)
			return &commands[at];
	}
	*ret_nearest = nearest_word(word, words, count);
	return NULL;
}

/* ---- complaints ---- */

enum cli_exit command_fail(enum cli_exit status, const char *format, ...)
{
	va_list arguments;
	terminal_spin_end();
	fputs("etcfs: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

enum cli_exit command_number(const char *option, const char *text, int64_t *ret_number)
{
	char *end;
	errno = 0;
	long long number = isdigit((unsigned char)text[0]) ? strtoll(text, &end, 10) : 0;
	if (number <= 0 || errno != 0 || *end != '\0')
		return command_fail(EXIT_USAGE, "%s: '%s' is not a number above zero", option, text);
	*ret_number = number;
	return EXIT_OK;
}

/* ---- parsing ---- */

struct command_words {
	char *const *argv;
	int argc, at;
	bool only_arguments; /* after "--" */
	const struct command *command;
};

static enum cli_exit command_unknown_option(const struct command_words *words, const char *word)
{
	const char *names[COMMANDS_MAX];
	size_t count = 0;
	check(command_option_count <= COMMANDS_MAX);
	for (size_t at = 0; at < command_option_count; at++) {
		if (command_takes(words->command, &command_options[at]))
			names[count++] = command_options[at].name;
	}
	const char *nearest = nearest_word(word, names, count),
	           *command = words->command != NULL ? words->command->name : "";
	if (nearest != NULL)
		return command_fail(EXIT_USAGE, "%s: there is no such option; did you mean %s?", word, nearest);
	return command_fail(EXIT_USAGE, "%s: there is no such option; see etcfs %s%s--help", word, command,
	                    command[0] != '\0' ? " " : "");
}

static const struct command_option *command_option_find(const struct command *command, const char *word, size_t size)
{
	for (size_t at = 0; at < command_option_count; at++) {
		const struct command_option *option = &command_options[at];
		bool long_name = strlen(option->name) == size && strncmp(option->name, word, size) == 0;
		bool short_name = size == 2 && option->short_name != 0 && word[1] == option->short_name;
		if ((long_name || short_name) && command_takes(command, option))
			return option;
	}
	return NULL;
}

/* "-lr" is "-l -r": letters of switches alone. False when the word is something else. */
static bool command_read_letters(const struct command_words *words, const char *word, struct invocation *invocation)
{
	size_t size = strlen(word);
	if (size < 3 || word[1] == '-')
		return false;
	for (int round = 0; round < 2; round++) { /* all of them must be known before one is set */
		for (size_t at = 1; at < size; at++) {
			const struct command_option *option =
			    command_option_find(words->command, (const char[]){'-', word[at], '\0'}, 2);
			if (option == NULL || option->argument != NULL)
				return false;
			if (round == 1)
				*(bool *)((char *)invocation + option->offset) = true;
		}
	}
	return true;
}

static enum cli_exit command_read_option(struct command_words *words, struct invocation *invocation)
{
	const char *word = words->argv[words->at++], *equals = strchr(word, '=');
	size_t size = equals != NULL ? (size_t)(equals - word) : strlen(word);
	if (command_read_letters(words, word, invocation))
		return EXIT_OK;
	const struct command_option *option = command_option_find(words->command, word, size);
	if (option == NULL)
		return command_unknown_option(words, word);
	void *field = (char *)invocation + option->offset;
	if (option->argument == NULL && equals != NULL)
		return command_fail(EXIT_USAGE, "%s takes no value", option->name);
	if (option->argument == NULL) {
		*(bool *)field = true;
		return EXIT_OK;
	}
	if (equals == NULL && words->at == words->argc)
		return command_fail(EXIT_USAGE, "%s wants a value: %s %s", option->name, option->name,
		                    option->argument);
	*(const char **)field = equals != NULL ? equals + 1 : words->argv[words->at++];
	return EXIT_OK;
}

enum cli_exit command_descend(const char *word, const struct command **command)
{
	const char *nearest = NULL;
	const struct command *below = command_find(*command, word, &nearest);
	if (below == NULL && nearest != NULL)
		return command_fail(EXIT_USAGE, "%s: there is no such command; did you mean %s?", word, nearest);
	if (below == NULL)
		return command_fail(EXIT_USAGE, "%s: there is no such command; see etcfs %s%s--help", word,
		                    *command != NULL ? (*command)->name : "", *command != NULL ? " " : "");
	*command = below;
	return EXIT_OK;
}

static bool command_has_below(const struct command *command)
{
	bool found = command == NULL;
	for (size_t at = 0; at < command_count && !found; at++)
		found = command_is_below(&commands[at], command);
	return found;
}

static enum cli_exit command_read_argument(struct command_words *words, struct invocation *invocation)
{
	const char *word = words->argv[words->at++];
	if (command_has_below(words->command))
		return command_descend(word, &words->command);
	if (invocation->argument_count == words->command->arguments_max)
		return command_fail(EXIT_USAGE, "'%s' is one word too many: etcfs %s %s", word, words->command->name,
		                    words->command->arguments);
	invocation->arguments[invocation->argument_count++] = word;
	return EXIT_OK;
}

static enum cli_exit command_read_word(struct command_words *words, struct invocation *invocation)
{
	const char *word = words->argv[words->at];
	bool age = isdigit((unsigned char)word[1]) && word[0] == '-';          /* -10m: no option begins with a digit */
	if (words->only_arguments || age || word[0] != '-' || word[1] == '\0') /* "-" is standard input */
		return command_read_argument(words, invocation);
	if (strcmp(word, "--") == 0) {
		words->only_arguments = true;
		words->at++;
		return EXIT_OK;
	}
	return command_read_option(words, invocation);
}

enum cli_exit command_parse(int argc, char *const *argv, struct invocation *ret_invocation,
                            const struct command **ret_command)
{
	struct command_words words = {.argv = argv, .argc = argc, .at = 1};
	struct invocation invocation = {0};
	while (words.at < argc) {
		enum cli_exit status = command_read_word(&words, &invocation);
		if (status != EXIT_OK)
			return status;
	}
	const struct command *command = words.command;
	if (command == NULL && !invocation.help && !invocation.version) {
		command_print_overview(stderr);
		return EXIT_USAGE;
	}
	if (command != NULL && command->run == NULL && !invocation.help) {
		command_print_help(command, stderr);
		return EXIT_USAGE;
	}
	if (command != NULL && !invocation.help && invocation.argument_count < command->arguments_min)
		return command_fail(EXIT_USAGE, "usage: etcfs %s %s; see etcfs %s --help", command->name,
		                    command->arguments, command->name);
	*ret_invocation = invocation;
	*ret_command = command;
	return EXIT_OK;
}
