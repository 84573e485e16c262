/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of this machine as the files that the cluster is to have. */
#pragma once

#include "api/control.h"
#include "cli/command.h"

/* A file, or a directory with all below it, in the order of the keys that they become. What is neither file, directory nor symbolic link is an
 * error, and so is more than one call can hold; said on standard error. */
enum cli_exit local_read(const char *path, struct arena *arena, Etcfs__Control__ApplyRequest *request) MUST_USE;

/* One that is written into the folder; its name is relative, a directory's ends in '/'. Refused is what leads out of the folder, what cannot be a name, and
 * what is there already, but for directories. */
struct local_file {
	struct bytes name, content; /* or the target */
	uint32_t mode;              /* with type */
};
enum cli_exit local_write(const char *folder, const struct local_file *file, struct arena *arena) MUST_USE;
