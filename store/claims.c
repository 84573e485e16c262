/* SPDX-License-Identifier: Apache-2.0 */
#include "store/claims.h"

#include <stdlib.h>

#include "base/limits.h"
#include "store/layout.h"
#include "store/scan.h"

/* ---- fields and limits ---- */

static enum err key_check(struct bytes key)
{
	if (key.size == 0)
		return ERR_INVALID;
	return key.size <= LIMIT_KEY_BYTES ? ERR_OK : ERR_TOO_LARGE;
}

static enum err range_check(const struct kv_range *range)
{
	enum err err = key_check(range->start);
	return err == ERR_OK && range->end.size > LIMIT_KEY_BYTES ? ERR_TOO_LARGE : err;
}

static enum err put_check(const struct kv_put *put)
{
	if ((put->keep_value && put->value.size != 0) || (put->keep_lease && put->lease != 0) ||
	    (put->keep_attr && put->attr.size != 0))
		return ERR_INVALID;
	if (put->value.size > LIMIT_VALUE_BYTES || put->attr.size > LIMIT_ATTR_BYTES)
		return ERR_TOO_LARGE;
	return key_check(put->key);
}

static enum err move_check(const struct kv_op *op)
{
	const struct kv_move *move = &op->move;
	bool directory = layout_is_directory(move->from);
	enum err err = key_check(move->from);
	if (err == ERR_OK)
		err = key_check(move->to);
	if (err != ERR_OK)
		return err;
	if (directory != layout_is_directory(move->to) || bytes_equal(move->from, move->to))
		return ERR_INVALID;
	if (directory && (bytes_have_prefix(move->from, move->to) || bytes_have_prefix(move->to, move->from)))
		return ERR_INVALID;
	if (move->set_attr && (directory || op->kind == KV_EXCHANGE))
		return ERR_INVALID;
	return move->attr.size <= LIMIT_ATTR_BYTES ? ERR_OK : ERR_TOO_LARGE;
}

static enum err txn_check_fields(const struct kv_txn *txn, unsigned depth, size_t *ops_left);

static enum err op_check(const struct kv_op *op, unsigned depth, size_t *ops_left)
{
	switch (op->kind) {
	case KV_PUT:
		return put_check(&op->put);
	case KV_DELETE:
		return range_check(&op->del.range);
	case KV_RANGE:
		return range_check(&op->range.range);
	case KV_TXN:
		return txn_check_fields(op->txn, depth + 1, ops_left);
	case KV_MOVE:
	case KV_EXCHANGE:
		return move_check(op);
	}
	return ERR_INVALID;
}

static enum err ops_check(const struct kv_op *ops, size_t count, unsigned depth, size_t *ops_left)
{
	if (count > *ops_left)
		return ERR_LIMIT;
	*ops_left -= count;
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = op_check(&ops[i], depth, ops_left);
	return err;
}

static enum err txn_check_fields(const struct kv_txn *txn, unsigned depth, size_t *ops_left)
{
	if (depth > KV_TXN_DEPTH_MAX || txn->compare_count > KV_TXN_OPS_MAX)
		return ERR_LIMIT;
	enum err err = ERR_OK;
	for (size_t i = 0; i < txn->compare_count && err == ERR_OK; i++)
		err = range_check(&txn->compares[i].range);
	if (err == ERR_OK)
		err = ops_check(txn->success, txn->success_count, depth, ops_left);
	return err == ERR_OK ? ops_check(txn->failure, txn->failure_count, depth, ops_left) : err;
}

/* ---- claims ---- */

struct claims {
	struct bytes *puts; /* ascending */
	struct kv_range *deletes, *moves;
	size_t put_count, delete_count, move_count;
};

static int bytes_order(const void *left, const void *right)
{
	return bytes_compare(*(const struct bytes *)left, *(const struct bytes *)right);
}

static bool ranges_meet(const struct kv_range *left, const struct kv_range *right)
{
	return range_holds(left, right->start) || range_holds(right, left->start);
}

/* Is one of the ascending keys in the range? The first key that is not before it decides. */
static bool range_holds_any(const struct kv_range *range, const struct bytes *keys, size_t count)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (bytes_compare(keys[middle], range->start) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && range_holds(range, keys[low]);
}

static bool ranges_hold_any(const struct kv_range *ranges, size_t range_count, const struct claims *claims)
{
	for (size_t i = 0; i < range_count; i++)
		if (range_holds_any(&ranges[i], claims->puts, claims->put_count))
			return true;
	return false;
}

static bool ranges_meet_any(const struct kv_range *left, size_t left_count, const struct kv_range *right,
                            size_t right_count)
{
	for (size_t i = 0; i < left_count; i++)
		for (size_t j = 0; j < right_count; j++)
			if (ranges_meet(&left[i], &right[j]))
				return true;
	return false;
}

static bool moves_meet(const struct claims *left, const struct claims *right)
{
	return ranges_hold_any(left->moves, left->move_count, right) ||
	       ranges_meet_any(left->moves, left->move_count, right->deletes, right->delete_count) ||
	       ranges_meet_any(left->moves, left->move_count, right->moves, right->move_count);
}

static bool puts_meet(const struct claims *left, const struct claims *right)
{
	size_t i = 0, j = 0;
	while (i < left->put_count && j < right->put_count) {
		int order = bytes_compare(left->puts[i], right->puts[j]);
		if (order == 0)
			return true;
		i += order < 0;
		j += order > 0;
	}
	return false;
}

static void *array_join(const void *left, size_t left_count, const void *right, size_t right_count,
                        size_t element_bytes, struct arena *arena)
{
	uint8_t *joined = arena_take(arena, (left_count + right_count) * element_bytes);
	if (left_count != 0)
		memcpy(joined, left, left_count * element_bytes);
	if (right_count != 0)
		memcpy(joined + left_count * element_bytes, right, right_count * element_bytes);
	return joined;
}

static void claims_add(struct claims *claims, const struct claims *more, struct arena *arena)
{
	claims->puts =
	    array_join(claims->puts, claims->put_count, more->puts, more->put_count, sizeof *claims->puts, arena);
	claims->deletes = array_join(claims->deletes, claims->delete_count, more->deletes, more->delete_count,
	                             sizeof *claims->deletes, arena);
	claims->moves =
	    array_join(claims->moves, claims->move_count, more->moves, more->move_count, sizeof *claims->moves, arena);
	claims->put_count += more->put_count;
	claims->delete_count += more->delete_count;
	claims->move_count += more->move_count;
	if (claims->put_count > 1)
		qsort(claims->puts, claims->put_count, sizeof *claims->puts, bytes_order);
}

/* `more` comes after what is claimed already: its puts must miss the deletes before it. */
static enum err claims_join(struct claims *claims, const struct claims *more, struct arena *arena)
{
	if (ranges_hold_any(claims->deletes, claims->delete_count, more) || puts_meet(claims, more) ||
	    moves_meet(claims, more) || moves_meet(more, claims))
		return ERR_DUPLICATE_KEY;
	claims_add(claims, more, arena);
	return ERR_OK;
}

static struct claims claims_of_deletes(const struct kv_op *ops, size_t count, struct arena *arena)
{
	struct claims claims = {.deletes = arena_take(arena, count * sizeof *claims.deletes)};
	for (size_t i = 0; i < count; i++)
		if (ops[i].kind == KV_DELETE)
			claims.deletes[claims.delete_count++] = ops[i].del.range;
	return claims;
}

static struct claims claims_of_puts(const struct kv_op *ops, size_t count, struct arena *arena)
{
	struct claims claims = {.puts = arena_take(arena, count * sizeof *claims.puts)};
	for (size_t i = 0; i < count; i++)
		if (ops[i].kind == KV_PUT)
			claims.puts[claims.put_count++] = ops[i].put.key;
	if (claims.put_count > 1)
		qsort(claims.puts, claims.put_count, sizeof *claims.puts, bytes_order);
	return claims;
}

static bool claims_repeat(const struct claims *claims)
{
	for (size_t i = 1; i < claims->put_count; i++)
		if (bytes_equal(claims->puts[i - 1], claims->puts[i]))
			return true;
	return false;
}

static struct kv_range claim_of(struct bytes key, struct arena *arena)
{
	return layout_is_directory(key) ? kv_prefix(key, arena) : (struct kv_range){.start = key};
}

static enum err claims_of_ops(const struct kv_op *ops, size_t count, struct arena *arena, struct claims *ret_claims);

static enum err claims_join_txn(struct claims *claims, const struct kv_txn *txn, struct arena *arena)
{
	struct claims success, failure;
	enum err err = claims_of_ops(txn->success, txn->success_count, arena, &success);
	if (err == ERR_OK)
		err = claims_of_ops(txn->failure, txn->failure_count, arena, &failure);
	if (err != ERR_OK)
		return err;
	claims_add(&success, &failure, arena); /* only one of them happens, so they may meet */
	return claims_join(claims, &success, arena);
}

static enum err claims_join_move(struct claims *claims, const struct kv_move *move, struct arena *arena)
{
	struct kv_range ends[] = {claim_of(move->from, arena), claim_of(move->to, arena)};
	return claims_join(claims, &(struct claims){.moves = ends, .move_count = 2}, arena);
}

static enum err claims_of_ops(const struct kv_op *ops, size_t count, struct arena *arena, struct claims *ret_claims)
{
	struct claims claims = claims_of_deletes(ops, count, arena);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		if (ops[i].kind == KV_TXN)
			err = claims_join_txn(&claims, ops[i].txn, arena);
	struct claims puts = claims_of_puts(ops, count, arena);
	if (err == ERR_OK)
		err = claims_repeat(&puts) ? ERR_DUPLICATE_KEY : claims_join(&claims, &puts, arena);
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		if (ops[i].kind == KV_MOVE || ops[i].kind == KV_EXCHANGE)
			err = claims_join_move(&claims, &ops[i].move, arena);
	*ret_claims = claims;
	return err;
}

static enum err claims_check(const struct kv_op *ops, size_t count)
{
	if (count < 2 && (count == 0 || ops->kind != KV_TXN))
		return ERR_OK;
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct claims claims;
	return claims_of_ops(ops, count, &arena, &claims);
}

enum err txn_check(const struct kv_txn *txn)
{
	size_t ops_left = KV_TXN_OPS_MAX;
	if (txn->note.size > LIMIT_NOTE_BYTES)
		return ERR_TOO_LARGE;
	enum err err = txn_check_fields(txn, 1, &ops_left);
	if (err == ERR_OK)
		err = claims_check(txn->success, txn->success_count);
	return err == ERR_OK ? claims_check(txn->failure, txn->failure_count) : err;
}

/* ---- scans ---- */

static bool ops_scan(const struct kv_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct kv_op *op = &ops[i];
		if ((op->kind == KV_DELETE && !range_is_single(&op->del.range)) ||
		    (op->kind == KV_RANGE && (!range_is_single(&op->range.range) || op->range.revision > 0)) ||
		    (op->kind == KV_TXN && txn_scans(op->txn)) ||
		    ((op->kind == KV_MOVE || op->kind == KV_EXCHANGE) && layout_is_directory(op->move.from)))
			return true;
	}
	return false;
}

bool txn_scans(const struct kv_txn *txn)
{
	for (size_t i = 0; i < txn->compare_count; i++)
		if (!range_is_single(&txn->compares[i].range))
			return true;
	return ops_scan(txn->success, txn->success_count) || ops_scan(txn->failure, txn->failure_count);
}
