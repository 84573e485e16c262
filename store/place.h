/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which database is the store's: the file `current` in its directory names it, and the format.
 *
 * Invariants:
 *  1. `current` names a complete database at every moment after the first opening: a new one is put in place first, then
 *     named by a rename.
 *  2. What is in the directory and not named is a leftover, and removed at the opening.
 */
#pragma once

#include "store/database.h"

/* Opens the database that `current` names; makes the first one when the directory is empty; removes leftovers. Errors as
 * store_open()'s. */
enum err place_open(const char *directory, const struct database_memory *memory,
                    struct database **ret_database) MUST_USE;

/* A new database from a directory of files, which is renamed into the place, and opened, but not named yet. ERR_CORRUPT … */
enum err place_bring(const char *directory, const char *files, const struct database_memory *memory,
                     struct database **ret_database) MUST_USE;
/* From now on it is the one. */
enum err place_name(const char *directory, const struct database *database) MUST_USE;
