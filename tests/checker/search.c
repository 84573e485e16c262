/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls and returns stand in a list by time. A call whose operation can happen now is taken out together with its return, and
 * the search begins again at the head; a return that is reached is one whose operation should have happened: the last choice is
 * taken back (dancing links: in the reverse order), and the next call is tried instead. A configuration that has been seen is
 * not entered again. The history is linearizable once nothing is left that must happen.
 *
 * Invariants: 1. what is in the set is what is on the stack; 2. the list holds, in order of time, the calls and returns of all
 * others; 3. the hash is that of the set.
 */
#include "tests/checker/search.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "tests/checker/cache.h"
#include "tests/checker/states.h"

enum { SEARCH_HEAD = 0, SEARCH_LOOK_EVERY = 4096 }; /* steps between looks at the limits */

struct search_entry {
	uint64_t time;
	size_t next, previous;
	size_t op;  /* in the component */
	size_t ret; /* of a call: where its return is; 0: it has none */
	bool is_call;
};

struct search_choice {
	size_t entry;
	uint32_t state_before;
};

struct search {
	const struct component *component;
	struct search_entry *entries; /* 0 is the head */
	size_t entry_count;
	size_t *bits;     /* by operation, in the set */
	uint64_t *hashes; /* by operation (Zobrist 1970) */
	struct cache_set set;
	struct cache cache;
	struct states states;
	struct search_choice *stack;
	size_t depth;
	size_t left; /* operations that must still happen */
	uint32_t state;
	uint64_t hash;
	size_t stuck_at, stuck_depth,
	    stuck_kept; /* the furthest return; how much of the kept order is still the stack's */
	uint32_t stuck_state;
	size_t *order;
	uint64_t steps, deadline_ns;
};

/* ---- the list ---- */

static int search_entry_compare(const void *left, const void *right)
{
	const struct search_entry *one = left, *other = right;
	if (one->time != other->time)
		return one->time < other->time ? -1 : 1;
	if (one->is_call != other->is_call)
		return one->is_call ? -1 : 1; /* what touches is concurrent */
	return one->op < other->op ? -1 : one->op > other->op;
}

static void search_link(struct search *search)
{
	size_t *calls = memory_new_array(search->component->count + 1, sizeof *calls);
	qsort(&search->entries[1], search->entry_count - 1, sizeof *search->entries, search_entry_compare);
	for (size_t i = 0; i < search->entry_count; i++) {
		struct search_entry *entry = &search->entries[i];
		entry->next = i + 1 < search->entry_count ? i + 1 : SEARCH_HEAD;
		entry->previous = i != 0 ? i - 1 : search->entry_count - 1;
		if (i != SEARCH_HEAD && entry->is_call)
			calls[entry->op] = i;
		else if (i != SEARCH_HEAD)
			search->entries[calls[entry->op]].ret = i;
	}
	free(calls);
}

static void search_list(struct search *search)
{
	const struct component *component = search->component;
	search->entries = memory_new_array(2 * component->count + 1, sizeof *search->entries);
	search->entry_count = 1;
	for (size_t i = 0; i < component->count; i++) {
		const struct component_op *op = &component->ops[i];
		search->entries[search->entry_count++] =
		    (struct search_entry){.time = op->call, .op = i, .is_call = true};
		if (op->outcome == HISTORY_UNKNOWN)
			continue;
		search->entries[search->entry_count++] = (struct search_entry){.time = op->ret, .op = i};
		search->left++;
	}
	search_link(search);
}

static void search_unlink(struct search *search, size_t at)
{
	struct search_entry *entry = &search->entries[at];
	search->entries[entry->previous].next = entry->next;
	search->entries[entry->next].previous = entry->previous;
}

static void search_relink(struct search *search, size_t at)
{
	struct search_entry *entry = &search->entries[at];
	search->entries[entry->previous].next = at;
	search->entries[entry->next].previous = at;
}

/* ---- operations as bits ---- */

/* Unknown ones first, then by call, so that the set's ones are close together. */
static void search_number(struct search *search)
{
	size_t loose = search->component->count - search->left, next_loose = 0, next = loose;
	struct random random;
	random_init(&random, search->component->count);
	search->bits = memory_new_array(search->component->count, sizeof *search->bits);
	search->hashes = memory_new_array(search->component->count, sizeof *search->hashes);
	for (size_t i = 1; i < search->entry_count; i++) {
		const struct search_entry *entry = &search->entries[i];
		if (!entry->is_call)
			continue;
		search->bits[entry->op] = cache_set_bit(loose, entry->ret == 0 ? next_loose++ : next++);
		search->hashes[entry->op] = random_next(&random);
	}
	cache_set_init(&search->set, loose, search->component->count);
}

/* ---- the search ---- */

static uint64_t search_mix(uint32_t state)
{
	uint64_t mixed = (state + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
	return mixed ^ (mixed >> 31);
}

static void search_flip(struct search *search, const struct search_entry *call)
{
	search->hash ^= search->hashes[call->op];
}

/* Takes the call as the next one, unless it cannot be, or led to what was seen. */
static bool search_take(struct search *search, size_t at)
{
	const struct search_entry *call = &search->entries[at];
	uint32_t after = states_after(&search->states, search->state, &search->component->ops[call->op]);
	if (after == STATES_NONE)
		return false;
	cache_set_add(&search->set, search->bits[call->op]);
	search_flip(search, call);
	if (!cache_add(&search->cache, &search->set, after, search->hash ^ search_mix(after))) {
		cache_set_remove(&search->set, search->bits[call->op]);
		search_flip(search, call);
		return false;
	}
	search->stack[search->depth++] = (struct search_choice){at, search->state};
	search->state = after;
	search_unlink(search, at);
	if (call->ret != 0) {
		search_unlink(search, call->ret);
		search->left--;
	}
	return true;
}

/* Takes the last choice back; where the search goes on. */
static size_t search_take_back(struct search *search)
{
	struct search_choice choice = search->stack[--search->depth];
	const struct search_entry *call = &search->entries[choice.entry];
	if (call->ret != 0) {
		search_relink(search, call->ret);
		search->left++;
	}
	search_relink(search, choice.entry);
	cache_set_remove(&search->set, search->bits[call->op]);
	search_flip(search, call);
	search->state = choice.state_before;
	if (search->depth < search->stuck_kept)
		search->stuck_kept = search->depth;
	return call->next;
}

/* Keeps the way to the furthest return, and to that the longest. */
static void search_remember(struct search *search, size_t at)
{
	if (at < search->stuck_at || (at == search->stuck_at && search->depth <= search->stuck_depth))
		return;
	for (size_t i = search->stuck_kept; i < search->depth; i++)
		search->order[i] = search->entries[search->stack[i].entry].op;
	search->stuck_at = at;
	search->stuck_depth = search->stuck_kept = search->depth;
	search->stuck_state = search->state;
}

/* The limit that is reached, or NULL. */
static const char *search_limit(struct search *search, const struct linear_limits *limits)
{
	if (++search->steps % SEARCH_LOOK_EVERY != 0)
		return NULL;
	if (cache_size_bytes(&search->cache) + states_size_bytes(&search->states) > limits->memory_bytes_max)
		return "memory";
	return search->deadline_ns != 0 && clock_steady_ns() > search->deadline_ns ? "time" : NULL;
}

static enum linear_verdict search_find(struct search *search, const struct linear_limits *limits,
                                       const char **ret_limit)
{
	size_t at = search->entries[SEARCH_HEAD].next;
	while (search->left != 0) {
		check(at != SEARCH_HEAD); /* what must happen has a return in the list */
		if (!search->entries[at].is_call) {
			search_remember(search, at);
			if (search->depth == 0)
				return LINEAR_NO;
			at = search_take_back(search);
		} else if (search_take(search, at)) {
			at = search->entries[SEARCH_HEAD].next;
		} else {
			at = search->entries[at].next;
		}
		*ret_limit = search_limit(search, limits);
		if (*ret_limit != NULL)
			return LINEAR_UNKNOWN;
	}
	return LINEAR_YES;
}

static void search_init(struct search *search, const struct component *component, const struct linear_limits *limits)
{
	*search = (struct search){.component = component};
	if (limits->time_ms_max != 0)
		search->deadline_ns = clock_steady_ns() + limits->time_ms_max * CLOCK_NS_PER_MS;
	search_list(search);
	search_number(search);
	cache_init(&search->cache);
	states_init(&search->states, component);
	search->stack = memory_new_array(component->count, sizeof *search->stack);
	search->order = memory_new_array(component->count, sizeof *search->order);
}

static void search_fini(struct search *search)
{
	free(search->entries);
	free(search->bits);
	free(search->hashes);
	free(search->stack);
	free(search->order);
	cache_set_fini(&search->set);
	cache_fini(&search->cache);
	states_fini(&search->states);
}

void search_run(const struct component *component, const struct linear_limits *limits, struct search_result *ret_result)
{
	struct search search;
	search_init(&search, component, limits);
	*ret_result = (struct search_result){.order = search.order};
	ret_result->verdict = search_find(&search, limits, &ret_result->limit);
	ret_result->order_count = search.stuck_depth;
	ret_result->stuck = search.entries[search.stuck_at].op;
	ret_result->values = memory_dup(states_values(&search.states, search.stuck_state),
	                                component->key_count * sizeof *component->begin);
	search.order = NULL; /* it is the result's */
	search_fini(&search);
}

void search_result_fini(struct search_result *result)
{
	free(result->order);
	free(result->values);
}
