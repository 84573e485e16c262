/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/unit.h"

#include "base/proto.h"
#include "tests/unit/api/rpc_fixture.h"

#define TXN "/etcdserverpb.KV/Txn"

static const Etcdserverpb__TxnResponse *txn_answer(const Etcdserverpb__TxnRequest *request)
{
	return rpc_answer_of(TXN, request, &etcdserverpb__txn_response__descriptor);
}

static Etcdserverpb__Compare compare_of(const char *key, int target, int result)
{
	Etcdserverpb__Compare compare = ETCDSERVERPB__COMPARE__INIT;
	compare.key = proto_data(bytes_of_string(key));
	compare.target = (Etcdserverpb__Compare__CompareTarget)target;
	compare.result = (Etcdserverpb__Compare__CompareResult)result;
	return compare;
}

static bool holds(const Etcdserverpb__Compare *compare)
{
	Etcdserverpb__TxnRequest request = ETCDSERVERPB__TXN_REQUEST__INIT;
	request.compare = (Etcdserverpb__Compare *[]){(Etcdserverpb__Compare *)compare};
	request.n_compare = 1;
	return txn_answer(&request)->succeeded;
}

static bool holds_for(const char *key, int target, int result)
{
	const Etcdserverpb__Compare compare = compare_of(key, target, result);
	return holds(&compare);
}

enum {
	OF_VERSION = ETCDSERVERPB__COMPARE__COMPARE_TARGET__VERSION,
	OF_VALUE = ETCDSERVERPB__COMPARE__COMPARE_TARGET__VALUE,
	NO_TARGET = ETCDSERVERPB__COMPARE__COMPARE_TARGET__LEASE + 1,
	IS_EQUAL = ETCDSERVERPB__COMPARE__COMPARE_RESULT__EQUAL,
	IS_LESS = ETCDSERVERPB__COMPARE__COMPARE_RESULT__LESS,
	IS_NOT_EQUAL = ETCDSERVERPB__COMPARE__COMPARE_RESULT__NOT_EQUAL,
	NO_RESULT = IS_NOT_EQUAL + 1,
};

static void a_result_that_is_none_holds(void **state)
{
	fixture_put(fixture_of(state), "/a", "one");
	assert_true(holds_for("/a", OF_VERSION, NO_RESULT));
	assert_true(holds_for("/a", OF_VALUE, NO_RESULT));
	assert_true(holds_for("/a", OF_VERSION, -1));
	assert_true(holds_for("/nothing", OF_VERSION, NO_RESULT));
	assert_false(holds_for("/nothing", OF_VALUE, NO_RESULT));
}

static void a_target_that_is_none_equals_everything(void **state)
{
	fixture_put(fixture_of(state), "/a", "one");
	for (int there = 0; there < 2; there++) {
		const char *key = there ? "/a" : "/nothing";
		assert_true(holds_for(key, NO_TARGET, IS_EQUAL));
		assert_true(holds_for(key, -1, IS_EQUAL));
		assert_false(holds_for(key, NO_TARGET, IS_NOT_EQUAL));
		assert_false(holds_for(key, NO_TARGET, IS_LESS));
		assert_true(holds_for(key, NO_TARGET, NO_RESULT));
	}
}

static void the_number_of_another_target_is_nothing(void **state)
{
	fixture_put(fixture_of(state), "/a", "one");
	Etcdserverpb__Compare compare = compare_of("/a", OF_VERSION, IS_EQUAL);
	compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_CREATE_REVISION;
	compare.create_revision = 1;
	assert_false(holds(&compare));
	compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_VERSION;
	assert_true(holds(&compare));
}

static Etcdserverpb__RequestOp range_op(Etcdserverpb__RangeRequest *range)
{
	Etcdserverpb__RequestOp op = ETCDSERVERPB__REQUEST_OP__INIT;
	op.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_RANGE;
	op.request_range = range;
	return op;
}

static Etcdserverpb__RequestOp put_op(Etcdserverpb__PutRequest *put)
{
	Etcdserverpb__RequestOp op = ETCDSERVERPB__REQUEST_OP__INIT;
	op.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT;
	op.request_put = put;
	return op;
}

static Etcdserverpb__RequestOp txn_op(Etcdserverpb__TxnRequest *txn)
{
	Etcdserverpb__RequestOp op = ETCDSERVERPB__REQUEST_OP__INIT;
	op.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_TXN;
	op.request_txn = txn;
	return op;
}

static void each_part_has_the_revision_that_it_left(void **state)
{
	fixture_put(fixture_of(state), "/a", "one");
	Etcdserverpb__RangeRequest range = ETCDSERVERPB__RANGE_REQUEST__INIT;
	range.key = proto_data(BYTES_LITERAL("/a"));
	Etcdserverpb__PutRequest put = ETCDSERVERPB__PUT_REQUEST__INIT;
	put.key = proto_data(BYTES_LITERAL("/b"));
	Etcdserverpb__RequestOp read = range_op(&range), write = put_op(&put);
	Etcdserverpb__TxnRequest inner = ETCDSERVERPB__TXN_REQUEST__INIT, outer = ETCDSERVERPB__TXN_REQUEST__INIT;
	inner.success = (Etcdserverpb__RequestOp *[]){&read, &write};
	inner.n_success = 2;
	Etcdserverpb__RequestOp nested = txn_op(&inner);
	outer.success = (Etcdserverpb__RequestOp *[]){&read, &nested, &read};
	outer.n_success = 3;
	const Etcdserverpb__TxnResponse *answer = txn_answer(&outer);
	assert_int_equal(answer->header->revision, 3);
	assert_int_equal(answer->responses[0]->response_range->header->revision, 2);
	const Etcdserverpb__TxnResponse *within = answer->responses[1]->response_txn;
	assert_int_equal(within->header->revision, 0); /* as etcd */
	assert_int_equal(within->responses[0]->response_range->header->revision, 2);
	assert_int_equal(within->responses[1]->response_put->header->revision, 3);
	assert_int_equal(answer->responses[2]->response_range->header->revision, 3);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rpc_fixture_begin, rpc_fixture_end)
	const struct CMUnitTest tests[] = {
	    CASE(a_result_that_is_none_holds),
	    CASE(a_target_that_is_none_equals_everything),
	    CASE(the_number_of_another_target_is_nothing),
	    CASE(each_part_has_the_revision_that_it_left),
	};
	return UNIT_RUN(tests);
}
