/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run: each seed picks some kinds of faults and how often they come, so that kinds that hide one another also come alone
 * (Groce et al., "Swarm testing", 2012); some seeds set up one situation over and over. After the faults comes a calm:
 * everything is healed, and the cluster must elect, commit, answer and converge before a deadline.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

struct plan_report {
	uint64_t trace_hash, committed, elections, reads, crashes, delivered, steps;
};

struct plan_options {
	uint64_t seed;
	const uint64_t *kept; /* the decisions that are made, see decisions.h; NULL: all */
	size_t kept_count;
	FILE *trace; /* or NULL */
};

/* Ends the process when something does not hold; see verdict.h. */
struct plan_report plan_run(const struct plan_options *options);
