/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration wants of this machine, looked at before anything is made or changed. */
#include "mountd/config.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *machine_parent(const char *path, struct arena *arena)
{
	return dirname(arena_dup_string(arena, bytes_of_string(path))); /* dirname() changes its argument */
}

static enum err machine_check_parent(const struct config *config, struct arena *arena, struct problem *problem)
{
	struct stat status;
	const char *parent = machine_parent(config->data_directory, arena);
	if (stat(config->data_directory, &status) == 0) {
		if (S_ISDIR(status.st_mode))
			return ERR_OK;
		return problem_set(problem, "--data-dir %s is not a directory", config->data_directory);
	}
	if (stat(parent, &status) == 0 && S_ISDIR(status.st_mode))
		return ERR_OK;
	return problem_set(problem, "--data-dir %s: %s is not there: make it first, or name another",
	                   config->data_directory, parent);
}

/* The real path of something that is there, or of its parent with the rest; NULL when neither is. */
static const char *machine_real_path(const char *path, struct arena *arena)
{
	char real[PATH_MAX];
	if (realpath(path, real) != NULL)
		return arena_format(arena, "%s/", real);
	if (realpath(machine_parent(path, arena), real) == NULL)
		return NULL;
	return arena_format(arena, "%s/%s/", real, basename(arena_dup_string(arena, bytes_of_string(path))));
}

static bool machine_contains(const char *outer, const char *inner)
{
	return strncmp(outer, inner, strlen(outer)) == 0;
}

/* The state of a node inside its own mount would wait for itself. */
static enum err machine_check_nesting(const struct config *config, struct arena *arena, struct problem *problem)
{
	if (config->mount_point == NULL)
		return ERR_OK;
	const char *data = machine_real_path(config->data_directory, arena);
	const char *mount = machine_real_path(config->mount_point, arena);
	if (data == NULL || mount == NULL || !machine_contains(mount, data))
		return ERR_OK;
	return problem_set(problem, "--data-dir %s is inside --mount %s: put it somewhere else", config->data_directory,
	                   config->mount_point);
}

static bool machine_directory_has_entries(const char *path)
{
	DIR *directory = opendir(path);
	if (directory == NULL)
		return errno == EACCES; /* something is there; opening it says what */
	bool found = false;
	for (const struct dirent *entry; !found && (entry = readdir(directory)) != NULL;)
		found = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(directory);
	return found;
}

enum err config_check_machine(const struct config *config, struct arena *arena, struct problem *ret_problem)
{
	enum err err = machine_check_parent(config, arena, ret_problem);
	if (err == ERR_OK)
		err = machine_check_nesting(config, arena, ret_problem);
	if (err != ERR_OK || !config->must_exist || machine_directory_has_entries(config->data_directory))
		return err;
	return problem_set(
	    ret_problem,
	    "--initial-cluster-state existing, but --data-dir %s holds no node: to add one to a running cluster, give "
	    "--join URL instead",
	    config->data_directory);
}
