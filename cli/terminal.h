/* SPDX-License-Identifier: Apache-2.0 */
/* What is done for a person's eye, and only when there is one: colours on standard output, a spinner on standard error. */
#pragma once

#include <stdbool.h>

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BAD, COLOUR_FAINT, COLOUR_DIRECTORY, COLOUR_TITLE };

/* Once, at the start. NO_COLOR and TERM=dumb are heeded. */
void terminal_init(void);

/* The sequence that begins a colour, and the one that ends it; "" where there is no terminal. */
const char *terminal_begin(enum colour colour);
const char *terminal_end(enum colour colour);

/* One more step of the spinner, with what is waited for; and its end. */
void terminal_spin(const char *what);
void terminal_spin_end(void);
