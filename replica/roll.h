/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roll: which data directory each peer had when it first promised something to this node, kept in the file `peers`. A member
 * that comes with another directory has lost what it had promised (its vote, and entries that count as stored there), and
 * must not be taken for the one that it was: thesis §3.8, and "vote amnesia" in any account of what broke such systems.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

struct roll;

/* Reads DATA/peers. A file that is not there is an empty roll. ERR_CORRUPT, ERR_FORMAT_NEWER, ERR_PERMISSION, ERR_IO; logged with the
 * remedy. */
enum err roll_open(const char *data_directory, struct roll **ret_roll) MUST_USE;
void roll_close(struct roll *roll);

/* The directory of that peer; 0: not known. ON_ANY_THREAD */
uint64_t roll_find(struct roll *roll, uint64_t peer);
/* Durable when it returns ERR_OK. ERR_EXISTS: it has another one; ERR_LIMIT, ERR_IO, ERR_NO_SPACE; logged but EXISTS. ON_ANY_THREAD */
enum err roll_note(struct roll *roll, uint64_t peer, uint64_t directory) MUST_USE;
/* It was removed from the cluster: its place is free for another. ON_ANY_THREAD */
void roll_forget(struct roll *roll, uint64_t peer);
