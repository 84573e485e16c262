/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the configuration that says who the members are and where they are reached. */
#pragma once

#include "mountd/config.h"

struct cluster_words {
	const char **words;
	size_t count;
};
/* The parts between commas, without the empty ones. */
struct cluster_words cluster_split(const char *text, struct arena *arena);

/* Fills the cluster's part of the config; its name is set. ERR_INVALID with the problem. */
enum err cluster_make(struct option_set *set, struct config *config, struct problem *ret_problem) MUST_USE;
