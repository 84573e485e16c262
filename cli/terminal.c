/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool terminal_has_colours, terminal_has_spinner, terminal_spins;

void terminal_init(void)
{
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool dumb = term == NULL || strcmp(term, "dumb") == 0;
	terminal_has_colours = !dumb && (no_color == NULL || no_color[0] == '\0') && isatty(STDOUT_FILENO) == 1;
	terminal_has_spinner = !dumb && isatty(STDERR_FILENO) == 1;
}

const char *terminal_begin(enum colour colour)
{
	static const char *const sequences[] = {
	    [COLOUR_NONE] = "",         [COLOUR_GOOD] = "\x1b[32m",      [COLOUR_BAD] = "\x1b[31m",
	    [COLOUR_FAINT] = "\x1b[2m", [COLOUR_DIRECTORY] = "\x1b[34m", [COLOUR_TITLE] = "\x1b[1m",
	};
	return terminal_has_colours ? sequences[colour] : "";
}

const char *terminal_end(enum colour colour)
{
	return terminal_has_colours && colour != COLOUR_NONE ? "\x1b[0m" : "";
}

void terminal_spin(const char *what)
{
	static const char frames[] = "|/-\\";
	static unsigned step;
	if (!terminal_has_spinner)
		return;
	fprintf(stderr, "\r%c %s", frames[step++ % (sizeof frames - 1)], what);
	fflush(stderr);
	terminal_spins = true;
}

void terminal_spin_end(void)
{
	if (terminal_spins)
		fputs("\r\x1b[K", stderr);
	terminal_spins = false;
}
