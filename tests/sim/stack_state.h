/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of the state machines, looked at as stack_checker.h does: a node applies what is committed, one by one, never
 * goes back, and the same applied index means the same checksum on every node.
 */
#pragma once

void state_opened(unsigned node); /* the replica is open, and not yet started */
