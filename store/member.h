/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of members: one for each id that the newest configuration names, and one for ever for each that an earlier one
 * named. They are looked up in the database alone, so what changes who is a member is written before the next entry.
 */
#pragma once

#include "store/batch.h"
#include "store/store.h"

/* The rows as the configuration wants them. */
void members_follow(struct batch *batch, const struct store_entry *entry);
/* Name and addresses of one that is a member. ERR_NOT_FOUND: it is not. ERR_INVALID, ERR_TOO_LARGE. */
enum err member_publish(struct batch *batch, const struct kv_member *member) MUST_USE;
void member_begin(struct batch *batch, const struct kv_member *member);
