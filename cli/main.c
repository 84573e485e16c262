/* SPDX-License-Identifier: Apache-2.0 */
/* etcfs: asks and changes a running etcfsd. */
#include "cli/command.h"
#include "cli/terminal.h"

int main(int argc, char **argv)
{
	AUTO_ARENA struct arena arena;
	struct invocation invocation;
	const struct command *command;
	arena_init(&arena);
	terminal_init();
	enum cli_exit status = command_parse(argc, argv, &invocation, &command);
	if (status != EXIT_OK)
		return (int)status;
	if (invocation.help && command == NULL)
		command_print_overview(stdout);
	else if (invocation.help)
		command_print_help(command, stdout);
	else if (invocation.version)
		status = command_version(&invocation, &arena);
	else
		status = command->run(&invocation, &arena);
	return (int)status;
}
