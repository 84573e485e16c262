/* SPDX-License-Identifier: Apache-2.0 */
/* What a transaction may say, whatever the state. */
#include "store/claims.h"
#include "tests/unit/store/fixture.h"

static enum err check_ops(const struct kv_op *ops, size_t count)
{
	return txn_check(&(struct kv_txn){.success = ops, .success_count = count});
}
#define CHECK(...)                                                                                                     \
	check_ops((const struct kv_op[]){__VA_ARGS__},                                                                 \
	          sizeof((const struct kv_op[]){__VA_ARGS__}) / sizeof(struct kv_op))

static const struct kv_op put_a = PUT(.key = B("a")), delete_a_to_c = DELETE(.range = {B("a"), B("c")});

static void a_key_is_put_at_most_once(void **state)
{
	(void)state;
	assert_int_equal(CHECK(put_a, PUT(.key = B("b"))), ERR_OK);
	assert_int_equal(CHECK(put_a, PUT(.key = B("b")), put_a), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(PUT(.key = B("b")), PUT(.key = B("c")), delete_a_to_c), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(PUT(.key = B("c")), delete_a_to_c), ERR_OK);
	assert_int_equal(CHECK(delete_a_to_c, delete_a_to_c), ERR_OK);
	assert_int_equal(CHECK(put_a, DELETE(.range = {.start = B("a")})), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(PUT(.key = B("z")), DELETE(.range = {B("b"), B("\0")})), ERR_DUPLICATE_KEY);
}

static void nested_transactions_count_as_etcd_counts_them(void **state)
{
	(void)state;
	struct kv_txn puts = {.success = &put_a, .success_count = 1};
	struct kv_txn either = {.success = &put_a, .success_count = 1, .failure = &put_a, .failure_count = 1};
	struct kv_txn deletes = {.success = &delete_a_to_c, .success_count = 1};
	struct kv_op child_put = {.kind = KV_TXN, .txn = &puts}, child_delete = {.kind = KV_TXN, .txn = &deletes};
	assert_int_equal(CHECK({.kind = KV_TXN, .txn = &either}), ERR_OK);
	assert_int_equal(CHECK({.kind = KV_TXN, .txn = &either}, put_a), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(child_put, child_put), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(child_put, delete_a_to_c), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(child_delete, put_a), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(child_delete, child_put), ERR_DUPLICATE_KEY);
	assert_int_equal(CHECK(child_put, child_delete), ERR_OK); /* etcd's quirk */
}

static void a_nested_transaction_may_not_be_too_deep(void **state)
{
	(void)state;
	struct kv_txn txns[KV_TXN_DEPTH_MAX + 1];
	struct kv_op ops[KV_TXN_DEPTH_MAX + 1];
	for (size_t i = 0; i <= KV_TXN_DEPTH_MAX; i++) {
		ops[i] = i == 0 ? put_a : (struct kv_op){.kind = KV_TXN, .txn = &txns[i - 1]};
		txns[i] = (struct kv_txn){.success = &ops[i], .success_count = 1};
	}
	assert_int_equal(txn_check(&txns[KV_TXN_DEPTH_MAX - 1]), ERR_OK);
	assert_int_equal(txn_check(&txns[KV_TXN_DEPTH_MAX]), ERR_LIMIT);
}

static void the_number_of_operations_has_a_limit(void **state)
{
	(void)state;
	static struct kv_op ops[KV_TXN_OPS_MAX + 1];
	for (size_t i = 0; i <= KV_TXN_OPS_MAX; i++)
		ops[i] = (struct kv_op)RANGE(.range = {.start = B("a")});
	assert_int_equal(check_ops(ops, KV_TXN_OPS_MAX), ERR_OK);
	assert_int_equal(check_ops(ops, KV_TXN_OPS_MAX + 1), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_is_put_at_most_once),
	    cmocka_unit_test(nested_transactions_count_as_etcd_counts_them),
	    cmocka_unit_test(a_nested_transaction_may_not_be_too_deep),
	    cmocka_unit_test(the_number_of_operations_has_a_limit),
	};
	return UNIT_RUN(tests);
}
