/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run does to its nodes: each seed picks some kinds of faults and how often they come, so that kinds that hide one
 * another also come alone (Groce et al., "Swarm testing", 2012). After the faults comes a calm: everything is healed, and every
 * node must answer a write and a read, and all must come to the same state, before a deadline.
 */
#pragma once

#include <stdint.h>

/* Ends the process when something does not hold. The hash is that of all that happened. */
uint64_t faults_run_stack(uint64_t seed);
/* Something has just happened at the node after which a crash hurts most: it may come soon. */
void faults_moment(unsigned node);
