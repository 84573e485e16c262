/* SPDX-License-Identifier: Apache-2.0 */
#include "api/events_index.h"

#include "tests/unit/unit.h"

enum { SPANS = 200, STEPS = 4000, FINDS_MAX = SPANS };

static struct kv_range range_of(const char *start, size_t start_size, const char *end, size_t end_size)
{
	return (struct kv_range){bytes_of(start, start_size), bytes_of(end, end_size)};
}

#define RANGE(start, end) range_of(start, sizeof(start) - 1, end, sizeof(end) - 1)

static struct events_span *finds[FINDS_MAX];
static size_t find_count;

static void note(struct events_span *span, void *argument)
{
	assert_true(find_count < FINDS_MAX);
	finds[find_count++] = span;
}

static bool found(const struct events_index *index, struct bytes key, const struct events_span *span)
{
	size_t count = 0;
	find_count = 0;
	events_index_visit(index, key, note, NULL);
	for (size_t at = 0; at < find_count; at++)
		count += finds[at] == span;
	assert_true(count <= 1);
	return count == 1;
}

static void a_span_holds_what_etcd_says_that_it_holds(void **state)
{
	static const struct {
		const char *key;
		size_t size;
		bool single, range, open, prefix;
	} rows[] = {
	    {"a", 1, false, false, false, false},   {"b", 1, true, true, true, false},
	    {"b\0", 2, false, true, true, false},   {"c", 1, false, true, true, true},
	    {"cz", 2, false, true, true, true},     {"d", 1, false, false, true, false},
	    {"\xff", 1, false, false, true, false},
	};
	struct events_index index;
	struct events_span single, range, open, prefix, empty;
	const struct kv_range ranges[] = {RANGE("b", ""), RANGE("b", "d"), RANGE("b", "\0"), RANGE("c", "d"),
	                                  RANGE("d", "b")};
	struct events_span *spans[] = {&single, &range, &open, &prefix, &empty};
	events_index_init(&index);
	for (size_t at = 0; at < 5; at++)
		events_index_add(&index, spans[at], &ranges[at]);
	for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
		struct bytes key = bytes_of(rows[at].key, rows[at].size);
		assert_int_equal(found(&index, key, &single), rows[at].single);
		assert_int_equal(found(&index, key, &range), rows[at].range);
		assert_int_equal(found(&index, key, &open), rows[at].open);
		assert_int_equal(found(&index, key, &prefix), rows[at].prefix);
		assert_false(found(&index, key, &empty));
	}
	for (size_t at = 0; at < 5; at++)
		events_index_remove(&index, spans[at]);
	events_index_fini(&index);
}

static void those_of_one_span_share_it(void **state)
{
	struct events_index index;
	struct events_span one, other;
	const struct kv_range range = RANGE("a", "b");
	events_index_init(&index);
	events_index_add(&index, &one, &range);
	events_index_add(&index, &other, &range);
	assert_int_equal(index.count, 1);
	events_index_remove(&index, &one);
	assert_true(found(&index, bytes_of_string("a"), &other));
	assert_false(found(&index, bytes_of_string("a"), &one));
	events_index_remove(&index, &other);
	assert_int_equal(index.count, 0);
	events_index_fini(&index);
}

/* ---- against a list that is searched from its beginning to its end ---- */

struct model {
	struct events_span span;
	bool added;
	char start[4], end[4];
	size_t start_size, end_size;
};

static size_t some_key(struct random *random, char *ret_key, size_t least)
{
	size_t size = least + random_below(random, 3);
	for (size_t at = 0; at < size; at++)
		ret_key[at] = (char)("\0abc\xff"[random_below(random, 5)]);
	return size;
}

static bool model_holds(const struct model *model, struct bytes key)
{
	struct bytes start = bytes_of(model->start, model->start_size), end = bytes_of(model->end, model->end_size);
	if (end.size == 0)
		return bytes_equal(start, key);
	bool is_open = end.size == 1 && end.data[0] == 0;
	return bytes_compare(start, key) <= 0 && (is_open || bytes_compare(key, end) < 0);
}

static void many_spans_are_found_as_by_looking_at_each(void **state)
{
	static struct model models[SPANS];
	struct events_index index;
	struct random random;
	random_init(&random, 11);
	events_index_init(&index);
	for (int step = 0; step < STEPS; step++) {
		struct model *model = &models[random_below(&random, SPANS)];
		if (model->added) {
			events_index_remove(&index, &model->span);
		} else {
			model->start_size = some_key(&random, model->start, 1);
			model->end_size = some_key(&random, model->end, 0);
			const struct kv_range range =
			    range_of(model->start, model->start_size, model->end, model->end_size);
			events_index_add(&index, &model->span, &range);
		}
		model->added = !model->added;
		char probe[4];
		struct bytes key = bytes_of(probe, some_key(&random, probe, 1));
		size_t expected = 0;
		for (size_t at = 0; at < SPANS; at++)
			if (models[at].added && model_holds(&models[at], key)) {
				assert_true(found(&index, key, &models[at].span));
				expected++;
			}
		find_count = 0;
		events_index_visit(&index, key, note, NULL);
		assert_int_equal(find_count, expected);
	}
	for (size_t at = 0; at < SPANS; at++)
		if (models[at].added)
			events_index_remove(&index, &models[at].span);
	events_index_fini(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_span_holds_what_etcd_says_that_it_holds),
	    cmocka_unit_test(those_of_one_span_share_it),
	    cmocka_unit_test(many_spans_are_found_as_by_looking_at_each),
	};
	return UNIT_RUN(tests);
}
