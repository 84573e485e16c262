/* SPDX-License-Identifier: Apache-2.0 */
/* What etcfs says about itself. */
#include <string.h>

#include "cli/command_table.h"

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
	for (size_t at = 0; at < command_option_count; at++) {
		if (command_takes(command, &command_options[at]))
			command_print_option(&command_options[at], file);
	}
}

static void command_print_summary(const struct command *command, FILE *file)
{
	fprintf(file, "  %-14s  %s\n", command->name, command->summary);
}

static void command_print_below(const struct command *parent, FILE *file)
{
	const char *title = "\nCommands\n";
	for (size_t at = 0; at < command_count; at++) {
		if (!command_is_below(&commands[at], parent))
			continue;
		fputs(title, file);
		command_print_summary(&commands[at], file);
		title = "";
	}
}

void command_print_help(const struct command *command, FILE *file)
{
	fprintf(file, "Usage: etcfs %s%s%s\n\n%s", command->name, command->arguments[0] != '\0' ? " " : "",
	        command->arguments, command->help);
	command_print_below(command, file);
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
	for (size_t at = 0; at < command_count; at++) {
		if (commands[at].run != NULL)
			command_print_summary(&commands[at], file);
	}
	command_print_options(NULL, file);
	fputs("\n"
	      "The node is found by --endpoint, --data-dir, ETCFS_ENDPOINT, ETCFS_DATA_DIR, or else in\n"
	      "./default.etcfs and /var/lib/etcfs.\n"
	      "Exit status: 0 done; 1 failed; 2 wrong usage; 3 no such key or member; 4 no connection.\n",
	      file);
}

enum cli_exit command_help(const struct invocation *invocation, struct arena *arena)
{
	const struct command *command = NULL;
	for (size_t at = 0; at < invocation->argument_count; at++) {
		enum cli_exit status = command_descend(invocation->arguments[at], &command);
		if (status != EXIT_OK)
			return status;
	}
	if (command == NULL)
		command_print_overview(stdout);
	else
		command_print_help(command, stdout);
	return EXIT_OK;
}

enum cli_exit command_version(const struct invocation *invocation, struct arena *arena)
{
	printf(invocation->json ? "{\"version\":\"%s\"}\n" : "etcfs %s\n", ETCFS_VERSION);
	return EXIT_OK;
}
