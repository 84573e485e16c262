/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the options: names, defaults, help. */
#pragma once

#include "mountd/option.h"

enum option_section { SECTION_MOUNT, SECTION_NODE, SECTION_CLUSTER, SECTION_CLIENTS, SECTION_PROGRAM, SECTION_COUNT };

struct option_row {
	const char *flag;     /* "--name" */
	const char *name;     /* "name": what stands in a file, and what the environment's name is made of */
	const char *argument; /* how the help calls its value; NULL: a switch */
	const char *fallback; /* the default; NULL: none, or made of other options (the help says how) */
	const char *help;     /* lines separated by \n */
	enum option_section section;
};

extern const struct option_row option_rows[OPTION_COUNT];
