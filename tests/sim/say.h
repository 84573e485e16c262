/* SPDX-License-Identifier: Apache-2.0 */
/* How what happens to nodes is written for people: the words of the dialogues (tests/scenario/README.md), and of a run's trace. */
#pragma once

#include <stdio.h>

#include "tests/sim/node.h"

void say_message(FILE *out, const char *verb, const struct raft_message *head);
void say_write(FILE *out, const struct node *node, const struct node_write *write);
void say_applied(FILE *out, const struct node *node, uint64_t index, const struct node_entry *entry);
void say_read(FILE *out, const struct node *node, const struct raft_read *read);
