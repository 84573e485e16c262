/* SPDX-License-Identifier: Apache-2.0 */
/* The checker against all orders of tiny histories, and on histories of the sizes that the tests of daemons make. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "tests/checker/linear.h"
#include "tests/unit/unit.h"

enum { TINY_HISTORIES = 10000, TINY_OPS_MAX = 6, TINY_KEYS = 2, TINY_VALUES = 3, TINY_TIMES = 12 };

/* ---- every order ---- */

struct world {
	uint64_t values[TINY_KEYS];
};

static bool can_happen(const struct history_op *op, const struct world *world)
{
	for (size_t i = 0; i < op->rule_count; i++)
		if (history_is_broken(&op->rules[i], world->values[op->rules[i].key]))
			return op->outcome == HISTORY_REFUSED;
	return op->outcome != HISTORY_REFUSED;
}

static struct world world_after(const struct history_op *op, struct world world)
{
	for (size_t i = 0; i < op->rule_count && op->outcome != HISTORY_REFUSED; i++)
		if (op->rules[i].kind == HISTORY_SET)
			world.values[op->rules[i].key] = op->rules[i].value;
	return world;
}

/* No other one that is left had ended before this one began. */
static bool can_be_next(const struct history *history, unsigned done, size_t number)
{
	for (size_t i = 0; i < history->count; i++)
		if ((done & 1U << i) == 0 && i != number && history->ops[i].ret < history->ops[number].call)
			return false;
	return true;
}

static bool has_order(const struct history *history, unsigned done, struct world world)
{
	bool is_over = true;
	for (size_t i = 0; i < history->count; i++)
		if ((done & 1U << i) == 0 && history->ops[i].outcome != HISTORY_UNKNOWN)
			is_over = false;
	for (size_t i = 0; i < history->count && !is_over; i++) {
		const struct history_op *op = &history->ops[i];
		if ((done & 1U << i) != 0 || !can_be_next(history, done, i) || !can_happen(op, &world))
			continue;
		if (has_order(history, done | 1U << i, world_after(op, world)))
			return true;
	}
	return is_over;
}

/* ---- histories by chance ---- */

static struct history_rule any_rule(struct random *random)
{
	static const enum history_rule_kind kinds[] = {HISTORY_IS,  HISTORY_IS,  HISTORY_IS,     HISTORY_SET,
	                                               HISTORY_SET, HISTORY_SET, HISTORY_IS_NOT, HISTORY_IS_BELOW};
	uint64_t value = random_below(random, TINY_VALUES + 1);
	return (struct history_rule){.kind = kinds[random_below(random, sizeof kinds / sizeof *kinds)],
	                             .key = random_below(random, TINY_KEYS),
	                             .value = value == TINY_VALUES ? HISTORY_ABSENT : value};
}

static void add_any_op(struct history *history, struct random *random)
{
	struct history_rule rules[3];
	struct history_op op = {.client = random_below(random, 3), .rules = rules};
	uint64_t kind = random_below(random, 8);
	op.rule_count = random_below(random, 3) != 0 ? 1 : random_below(random, 2) + 2;
	op.outcome = kind < 5 ? HISTORY_DONE : kind < 7 ? HISTORY_UNKNOWN : HISTORY_REFUSED;
	for (size_t i = 0; i < op.rule_count; i++)
		rules[i] = any_rule(random);
	op.call = random_below(random, TINY_TIMES);
	op.ret = op.call + random_below(random, TINY_TIMES);
	history_add(history, op);
}

static void complain(const struct history *history, uint64_t seed, bool expected)
{
	for (size_t i = 0; i < history->count; i++) {
		history_print(history, &history->ops[i], stderr);
		fputs("\n", stderr);
	}
	fail_msg("seed %ju: the history above %s an order", (uintmax_t)seed, expected ? "has" : "has no");
}

static void it_agrees_with_all_orders_of_tiny_histories(void **state)
{
	size_t counts[2] = {0};
	const struct linear_limits limits = LINEAR_LIMITS_DEFAULT;
	for (uint64_t seed = 0; seed < TINY_HISTORIES; seed++) {
		struct history history;
		struct random random;
		random_init(&random, seed);
		history_init(&history);
		struct world begin = {{HISTORY_ABSENT, HISTORY_ABSENT}};
		if (random_below(&random, 2) == 0)
			history_begin_with(&history, 0, begin.values[0] = random_below(&random, TINY_VALUES));
		for (size_t count = random_below(&random, TINY_OPS_MAX) + 1; count > 0; count--)
			add_any_op(&history, &random);
		bool expected = has_order(&history, 0, begin);
		if ((linear_check(&history, &limits, NULL) == LINEAR_YES) != expected)
			complain(&history, seed, expected);
		counts[expected]++;
		history_fini(&history);
	}
	assert_true(counts[false] > TINY_HISTORIES / 10 && counts[true] > TINY_HISTORIES / 10);
}

/* ---- histories of the usual sizes ---- */

struct size {
	size_t clients, ops, unknown_per_1000;
};

struct clients {
	size_t count;
	uint64_t *names, *free_since, next_name;
	uint64_t value, next_value; /* of the key, as things happen */
	struct random random;
};

/* An operation of a client that happens now, between its call, as soon as the client was free, and its return. */
static void add_op(struct history *history, struct clients *clients, size_t client, uint64_t now, bool is_unknown)
{
	struct history_op op = {.client = clients->names[client], .call = clients->free_since[client]};
	uint64_t kind = random_below(&clients->random, 10);
	op.ret = now + random_below(&clients->random, 10 * clients->count);
	clients->free_since[client] = op.ret + 1;
	if (kind < 5) {
		history_read(history, op, 1, clients->value);
		return;
	}
	if (is_unknown) {
		op.outcome = HISTORY_UNKNOWN;
		clients->names[client] = clients->next_name++;
	}
	uint64_t expected = kind < 9 ? clients->value : clients->next_value / 2, value = ++clients->next_value;
	if (expected != clients->value && !is_unknown)
		op.outcome = HISTORY_REFUSED;
	if (kind < 8)
		history_write(history, op, 1, value);
	else
		history_swap(history, op, 1, (uint64_t[]){expected, value});
	if (expected == clients->value)
		clients->value = value;
}

static void make_history(struct history *history, struct size size)
{
	struct clients clients = {.count = size.clients, .next_name = size.clients, .value = HISTORY_ABSENT};
	uint64_t now = 0;
	clients.names = memory_new_array(size.clients, sizeof *clients.names);
	clients.free_since = memory_new_array(size.clients, sizeof *clients.free_since);
	random_init(&clients.random, size.ops);
	for (size_t i = 0; i < size.clients; i++)
		clients.names[i] = i;
	while (history->count < size.ops) {
		size_t client = random_below(&clients.random, size.clients);
		now += 10;
		if (clients.free_since[client] <= now)
			add_op(history, &clients, client, now,
			       random_below(&clients.random, 1000) < size.unknown_per_1000);
	}
	free(clients.names);
	free(clients.free_since);
}

static void usual_sizes_are_decided(void **state)
{
	static const struct size sizes[] = {{5, 500, 0},   {8, 1000, 0},  {8, 5000, 1},
	                                    {10, 5000, 0}, {12, 1000, 0}, {10, 1000, 50}};
	const struct linear_limits limits = LINEAR_LIMITS_DEFAULT;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct history history;
		history_init(&history);
		make_history(&history, sizes[i]);
		assert_int_equal(linear_check(&history, &limits, stderr), LINEAR_YES);
		history_fini(&history);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_agrees_with_all_orders_of_tiny_histories),
	    cmocka_unit_test(usual_sizes_are_decided),
	};
	return UNIT_RUN(tests);
}
