/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction would do, as far as it can be told before it is applied. */
#pragma once

#include "store/view.h"

/* Has it an operation, in whatever branch, that can change something? That puts, or moves? */
bool txn_changes(const struct kv_txn *txn);
bool txn_puts(const struct kv_txn *txn);

/* Would value_bytes grow, and beyond the limit? Near the limit it is looked up what the puts replace, so that a full store can
 * still be written smaller. What removes something is let through: see edit_is_removal(). */
bool room_would_pass(struct kv_view *view, const struct kv_txn *txn, int64_t limit_bytes);
