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
#include "cli/terminal.h"

/* ---- the table of commands ---- */

static const struct command commands[] = {
    {"status", "", 0, 0, "", "how the cluster and each of its nodes is",
     "Shows every member: its role, how far it has come, how large it is, and since when it is\n"
     "up. Answers without a quorum.\n"
     "\n"
     "Examples\n"
     "  etcfs status\n"
     "  etcfs status --json | jq -r .leader\n",
     command_status},
    {"members", "", 0, 0, "", "who belongs to the cluster, and where they are reached",
     "Lists the members with their addresses. Answers without a quorum.\n"
     "\n"
     "Example\n"
     "  etcfs members\n",
     command_members},
    {"get", "KEY", 1, 1, "Lr", "the value of a key",
     "Prints the value of a key as it is; a file /a/b under the mount has the key /a/b.\n"
     "\n"
     "Examples\n"
     "  etcfs get /nginx/site.conf\n"
     "  etcfs get /nginx/site.conf --revision 41 > site.conf.old\n",
     command_get},
    {"put", "KEY [VALUE]", 1, 2, "", "change a key, or make it",
     "Sets the value, which comes from standard input when it is not given or is '-'. Mode and\n"
     "owner of the file stay as they are.\n"
     "\n"
     "Examples\n"
     "  etcfs put /motd 'Back at noon.'\n"
     "  etcfs put /nginx/site.conf < site.conf\n",
     command_put},
    {"del", "KEY", 1, 1, "R", "remove a key",
     "Removes a key; with --recursive also everything below it.\n"
     "\n"
     "Examples\n"
     "  etcfs del /motd\n"
     "  etcfs del --recursive /nginx\n",
     command_del},
    {"ls", "[DIRECTORY]", 0, 1, "Lrl", "what is in a directory",
     "Lists a directory, / if none is given; directories end in a slash. With --recursive, the\n"
     "keys below it at any depth.\n"
     "\n"
     "Examples\n"
     "  etcfs ls /nginx\n"
     "  etcfs ls --long /\n",
     command_ls},
    {"watch", "[KEY]", 0, 1, "Lv", "changes of a key and all below it, as they come",
     "Prints each change as it happens, until it is interrupted; of everything if no key is\n"
     "given. With --revision, first what has happened since then.\n"
     "\n"
     "Examples\n"
     "  etcfs watch /nginx\n"
     "  etcfs watch --json | jq -r '.change.events[].record.key'\n",
     command_watch},
    {"log", "[KEY]", 0, 1, "Ln", "who changed what, the newest first",
     "Prints the recent changes, of a key and all below it if one is given: 20, or as many as\n"
     "--limit says.\n"
     "\n"
     "Examples\n"
     "  etcfs log\n"
     "  etcfs log --limit 100 /nginx\n",
     command_log},
    {"version", "", 0, 0, "", "the version of this program", "Prints the version of this program.\n", command_version},
    {"help", "[COMMAND]", 0, 1, "", "how to use a command", "Explains a command.\n\nExample\n  etcfs help watch\n",
     command_help},
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const struct command *command_find(const char *name, const char **ret_nearest)
{
	const char *names[COMMAND_COUNT];
	for (size_t at = 0; at < COMMAND_COUNT; at++) {
		if (strcmp(commands[at].name, name) == 0)
			return &commands[at];
		names[at] = commands[at].name;
	}
	*ret_nearest = nearest_word(name, names, COMMAND_COUNT);
	return NULL;
}

/* ---- the table of options ---- */

static const struct command_option {
	const char *name, *argument;
	char letter; /* of those commands that take it; 0: all do */
	char short_name;
	size_t offset; /* in struct invocation: of a const char *, or a bool when it has no argument */
	const char *help;
} command_options[] = {
    {"--data-dir", "DIR", 0, 0, offsetof(struct invocation, data_directory), "the data directory of the node to ask"},
    {"--endpoint", "URL", 0, 0, offsetof(struct invocation, endpoint), "or its socket: unix:///DIR/control.sock"},
    {"--json", NULL, 0, 0, offsetof(struct invocation, json), "JSON, for programs"},
    {"--help", NULL, 0, 'h', offsetof(struct invocation, help), "this text"},
    {"--version", NULL, 0, 0, offsetof(struct invocation, version), "the version of this program"},
    {"--local", NULL, 'L', 0, offsetof(struct invocation, local), "what the node knows, without a quorum"},
    {"--revision", "N", 'r', 0, offsetof(struct invocation, revision), "as it was at this revision"},
    {"--revision", "N", 'v', 0, offsetof(struct invocation, revision), "begin with this revision"},
    {"--recursive", NULL, 'R', 'r', offsetof(struct invocation, recursive), "all that is below, too"},
    {"--recursive", NULL, 'l', 'r', offsetof(struct invocation, recursive), "all keys below, with their whole names"},
    {"--long", NULL, 'l', 'l', offsetof(struct invocation, long_form), "size, revision and time too"},
    {"--limit", "N", 'n', 'n', offsetof(struct invocation, limit), "at most so many changes"},
};

enum { COMMAND_OPTION_COUNT = sizeof command_options / sizeof *command_options };

static bool command_takes(const struct command *command, const struct command_option *option)
{
	return option->letter == 0 || (command != NULL && strchr(command->options, option->letter) != NULL);
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
	const char *names[COMMAND_OPTION_COUNT];
	size_t count = 0;
	for (size_t at = 0; at < COMMAND_OPTION_COUNT; at++) {
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
	for (size_t at = 0; at < COMMAND_OPTION_COUNT; at++) {
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

static enum cli_exit command_read_argument(struct command_words *words, struct invocation *invocation)
{
	const char *word = words->argv[words->at++], *nearest = NULL;
	if (words->command == NULL) {
		words->command = command_find(word, &nearest);
		if (words->command != NULL)
			return EXIT_OK;
		return command_fail(EXIT_USAGE, "%s: there is no such command%s%s%s", word,
		                    nearest != NULL ? "; did you mean " : "; see etcfs --help",
		                    nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
	}
	if (invocation->argument_count == words->command->arguments_max)
		return command_fail(EXIT_USAGE, "'%s' is one word too many: etcfs %s %s", word, words->command->name,
		                    words->command->arguments);
	invocation->arguments[invocation->argument_count++] = word;
	return EXIT_OK;
}

static enum cli_exit command_read_word(struct command_words *words, struct invocation *invocation)
{
	const char *word = words->argv[words->at];
	if (words->only_arguments || word[0] != '-' || word[1] == '\0') /* "-" is standard input */
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
	if (command != NULL && !invocation.help && invocation.argument_count < command->arguments_min)
		return command_fail(EXIT_USAGE, "usage: etcfs %s %s; see etcfs %s --help", command->name,
		                    command->arguments, command->name);
	*ret_invocation = invocation;
	*ret_command = command;
	return EXIT_OK;
}

/* ---- help ---- */

static void command_print_option(const struct command_option *option, FILE *file)
{
	char text[64], short_name[8] = "";
	if (option->short_name != 0)
		snprintf(short_name, sizeof short_name, "-%c, ", option->short_name);
	snprintf(text, sizeof text, "%s%s%s%s", short_name, option->name, option->argument != NULL ? " " : "",
	         option->argument != NULL ? option->argument : "");
	fprintf(file, "  %-18s %s\n", text, option->help);
}

static void command_print_options(const struct command *command, FILE *file)
{
	fputs("\nOptions\n", file);
	for (size_t at = 0; at < COMMAND_OPTION_COUNT; at++) {
		if (command_takes(command, &command_options[at]))
			command_print_option(&command_options[at], file);
	}
}

void command_print_help(const struct command *command, FILE *file)
{
	fprintf(file, "Usage: etcfs %s%s%s\n\n%s", command->name, command->arguments[0] != '\0' ? " " : "",
	        command->arguments, command->help);
	command_print_options(command, file);
}

void command_print_overview(FILE *file)
{
	fputs("Usage: etcfs [--data-dir DIR] COMMAND …\n"
	      "\n"
	      "Asks and changes a running etcfsd, over the control socket in its data directory.\n"
	      "\n"
	      "Commands\n",
	      file);
	for (size_t at = 0; at < COMMAND_COUNT; at++)
		fprintf(file, "  %-8s %s\n", commands[at].name, commands[at].summary);
	command_print_options(NULL, file);
	fputs("\n"
	      "The node is found by --endpoint, --data-dir, ETCFS_ENDPOINT, ETCFS_DATA_DIR, or else in\n"
	      "./default.etcfs and /var/lib/etcfs.\n"
	      "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such key; 4 no connection.\n",
	      file);
}

enum cli_exit command_help(const struct invocation *invocation, struct arena *arena)
{
	const char *nearest = NULL;
	if (invocation->argument_count == 0) {
		command_print_overview(stdout);
		return EXIT_OK;
	}
	const struct command *command = command_find(invocation->arguments[0], &nearest);
	if (command == NULL)
		return command_fail(EXIT_USAGE, "%s: there is no such command; see etcfs --help",
		                    invocation->arguments[0]);
	command_print_help(command, stdout);
	return EXIT_OK;
}

enum cli_exit command_version(const struct invocation *invocation, struct arena *arena)
{
	printf(invocation->json ? "{\"version\":\"%s\"}\n" : "etcfs %s\n", ETCFS_VERSION);
	return EXIT_OK;
}
