/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients, what they were answered, and whether that can be: writes with unique values, compares and deletes are proposed at
 * any node and retried by it over changes of leader, reads stand behind a barrier. Each operation carries its witness, the index
 * in the log at which it took effect or whose state it read, so that no order has to be searched for.
 *
 *  1. A command takes effect at most once; an answered one exactly once, at the index that the answer names; one that is
 *     certainly not applied never.
 *  2. What it does is what a model of the keys says: values, versions, revisions, which branch of a compare.
 *  3. An operation's index is no less than that of any that had ended before it began, and a write's is above.
 *  4. A read shows the model's value as of the index of its view, whether or not it stood behind a barrier.
 *  5. Every node sees the same effects, each once, in the order of their indexes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

void history_begin(void);
void history_end(void);

const struct kv_observer *history_observer(unsigned node);
/* The node stands at that index now: it was opened, or a snapshot was installed. */
void history_stands(unsigned node, uint64_t applied);
/* Whoever waited there will never know. */
void history_crashed(unsigned node);
/* A node is about to apply the entry. */
void history_applying(uint64_t index, const struct kv_command *command);
/* It has applied all up to there. */
void history_applied(unsigned node, uint64_t applied);

/* One operation by some client, at that node. */
void history_call(unsigned node);
/* A write and a read at each node that is up, which must be answered well. */
void history_probe(unsigned node);
size_t history_waiting(void); /* operations under way */
size_t history_probes_failed(void);
