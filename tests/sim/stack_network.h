/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network between the nodes, in place of replica/transport.h: frames are copied, lost, kept for long, and come in any order;
 * what arrives is split, checked and unpacked as from a stream. Those of the core are repeated too (raft/raft.h allows it); others
 * are not, for a stream never does it, and a proposal that its leader has refused may be given up for good.
 */
#pragma once

#include "tests/sim/stack_world.h"

struct weather {
	uint32_t drop_ppm, repeat_ppm, late_ppm, refuse_ppm;
	uint64_t delay_us_max, late_us_max;
};

void network_begin(void);
void network_end(void); /* what is under way is lost */
struct weather *network_weather(void);
void network_cut(unsigned from, unsigned to);
bool network_is_cut(unsigned from, unsigned to);
void network_heal(void);
/* What it has sent and is under way is lost. */
void network_silence(unsigned from);
/* The node is down: nobody hears it, it hears nobody. */
void network_forget(unsigned node);
/* Its peer believes that a connection broke. */
void network_break(unsigned node, unsigned peer);
