/* SPDX-License-Identifier: Apache-2.0 */
/* A range of seeds, run by processes side by side, each of which takes the next few. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct jobs {
	uint64_t first, last;
	unsigned count; /* processes at once */
	bool twice;     /* each seed: both runs must be the same */
};

struct jobs_outcome {
	bool good;
	uint64_t seed; /* that failed */
	uint64_t hash; /* of all runs */
};

/* Says why, and ends the process, where the simulator cannot run. */
void jobs_skip(void);
unsigned jobs_of_machine(void); /* as many as it has cores */
/* Stops at the first that fails. */
struct jobs_outcome jobs_run(const struct jobs *jobs);
