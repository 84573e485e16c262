/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run does to its cluster: each seed picks some kinds of faults and how often they come, so that kinds that
 * hide one another also come alone (Groce et al., "Swarm testing", 2012). After the faults comes a calm: everything is
 * healed, and the cluster must elect, commit, answer and converge before a deadline.
 */
#pragma once

#include <stdint.h>

struct faults_report {
	uint64_t trace_hash, committed, elections, reads, crashes, delivered;
};

/* Ends the process when something does not hold. */
struct faults_report faults_run(uint64_t seed);
