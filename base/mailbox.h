/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded mailbox of pointers: many post, one role drains it whole and acts once. A post to a mailbox whose
 * owner is awake costs no system call: the owner is woken only when it sleeps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mailbox;

/* Intrusive: the first member of what is posted, owned by the mailbox until it is drained. */
struct mailbox_letter {
	struct mailbox_letter *next;
};

struct mailbox *mailbox_new(size_t letters_max);
/* Letters that are still in it are the caller's bug. */
void mailbox_free(struct mailbox *mailbox);

/* The letter is taken on success. ERR_BUSY when full, ERR_STOPPED after mailbox_stop(). Never blocks
 * longer than a leaf mutex. ON_ANY_THREAD. */
enum err mailbox_post(struct mailbox *mailbox, struct mailbox_letter *letter) MUST_USE;
/* As mailbox_post(), past the maximum as well: for letters whose number is bounded elsewhere (completions).
 * Succeeds after mailbox_stop() too. */
void mailbox_post_always(struct mailbox *mailbox, struct mailbox_letter *letter);

/* All letters in the order of their posts, or NULL. Waits until there is one, mailbox_stop(), or
 * clock_steady_ns() reaches deadline_ns (UINT64_MAX: none; 0: does not wait). By the owner only. */
struct mailbox_letter *mailbox_drain(struct mailbox *mailbox, uint64_t deadline_ns);

/* Later posts are refused, and the owner wakes. */
void mailbox_stop(struct mailbox *mailbox);
bool mailbox_is_stopped(struct mailbox *mailbox);
