/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a transaction without a state: its limits, its fields, and that it names no key twice.
 *
 * Source: etcd api/v3rpc/key.go (checkTxnRequest, checkIntervals), with etcd's quirk that a put in one nested transaction and
 * a delete in a later sibling may meet. Moves of ours claim both their ends, and meet nothing.
 */
#pragma once

#include "store/kv.h"

/* ERR_INVALID, ERR_TOO_LARGE, ERR_LIMIT, ERR_DUPLICATE_KEY. */
enum err txn_check(const struct kv_txn *txn) MUST_USE;
/* Does it read more than single keys, as they are now? */
bool txn_scans(const struct kv_txn *txn);
