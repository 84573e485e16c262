/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions, as etcd's (server/etcdserver/txn): all compares, those of nested transactions too, are of the state before it;
 * everything that could refuse it is checked on the chosen path before anything is changed; reads in it see what it wrote.
 */
#pragma once

#include "store/edit.h"

struct txn_run {
	struct edit *edit;
	/* Where responses and what they hold go; NULL: nobody wants them. */
	struct arena *results;
	bool *path; /* did the compares hold: of the transaction and of the nested ones on its path, in their order */
	size_t path_count, path_capacity, path_at;
};

/* The result's err says why it was refused; then nothing was changed. txn_scans(): the batch is not dirty. On success the edit
 * is full, and not settled. */
enum err txn_execute(struct edit *edit, const struct kv_txn *txn, struct arena *results,
                     struct kv_result *ret_result) MUST_USE;

/* Evaluates one compare against the batch's state. */
bool compare_holds(struct batch *batch, const struct kv_compare *compare);
/* Against a view. ERR_CORRUPT, ERR_IO. */
enum err compare_holds_in(struct kv_view *view, const struct kv_compare *compare, bool *ret_holds) MUST_USE;
/* KV_MOVE and KV_EXCHANGE. */
enum err move_execute(struct edit *edit, const struct kv_op *op, int64_t *ret_count) MUST_USE;
