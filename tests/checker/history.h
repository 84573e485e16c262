/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients asked of a system, and what it answered: the input of the checkers.
 *
 * The system is a set of keys, each absent or with a value; an operation is a small transaction on them, a list of rules. All
 * its conditions are looked at first, then all its effects happen, at one moment between its call and its return. What people
 * call otherwise is a list of rules too:
 *
 *     read         x is v                     create (O_EXCL)   x is absent, set x to v
 *     write        set x to v                 rename            a is v, set a absent, set b to v
 *     swap         x is v, set x to w         with a revision   r below n, set r to n, beside the rest
 *     delete       set x absent
 *
 * Keys, values, clients and times are numbers; a history read from text gives names numbers of their own.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"

#define HISTORY_ABSENT UINT64_MAX /* the value of a key that is not there; below every other one */
#define HISTORY_NEVER UINT64_MAX  /* the return of an operation whose outcome is unknown */

enum history_rule_kind { HISTORY_IS, HISTORY_IS_NOT, HISTORY_IS_BELOW, HISTORY_SET };

struct history_rule {
	enum history_rule_kind kind;
	uint64_t key, value;
};

enum history_outcome {
	HISTORY_DONE,    /* all conditions held, all effects happened */
	HISTORY_REFUSED, /* a condition did not hold, nothing happened */
	HISTORY_UNKNOWN, /* no answer: it takes effect at any time after its call if its conditions hold, or never */
};

struct history_op {
	uint64_t client;
	uint64_t call, ret; /* any unit; ret is set for an unknown outcome */
	enum history_outcome outcome;
	const struct history_rule *rules;
	size_t rule_count;
};

struct history {
	struct arena arena;
	struct history_op *ops;
	size_t count, capacity;
	struct history_rule *begin; /* HISTORY_SET: what is there before the first operation */
	size_t begin_count;
	struct map symbols; /* of names, by hash */
	const char **names;
	size_t name_count;
};

void history_init(struct history *history);
void history_fini(struct history *history);

/* Adds an operation; its rules are copied. call <= ret, unless the outcome is unknown. */
void history_add(struct history *history, struct history_op op);
/* The same, with the rules of a plain one in place of op.rules. */
void history_read(struct history *history, struct history_op op, uint64_t key, uint64_t value);
void history_write(struct history *history, struct history_op op, uint64_t key, uint64_t value);
void history_swap(struct history *history, struct history_op op, uint64_t key, const uint64_t old_and_new[2]);
/* What a key has before the first operation, if it is not absent. */
void history_begin_with(struct history *history, uint64_t key, uint64_t value);

/* A number in decimal stands for itself, any other text for a number that is larger than all of them. */
uint64_t history_symbol(struct history *history, const char *name);
/* True for a rule that is a condition and does not hold of what its key has now. */
bool history_is_broken(const struct history_rule *rule, uint64_t now);
bool history_has_effect(const struct history_op *op);

/*
 * The text form, a line per operation; `#` begins a comment:
 *
 *     CLIENT CALL RETURN [refused] RULE...
 *     begin KEY=VALUE...
 *
 * RETURN is `?` for an unknown outcome; a RULE is KEY==VALUE, KEY!=VALUE, KEY<VALUE or KEY=VALUE (the effect), and the VALUE
 * `-` is an absent one. Times are whole numbers. Names have no white space and none of `=!<`.
 */
/* INVALID: *ret_line is the number of the bad line, and *ret_why says what is wrong with it (static). IO: it cannot be read. */
enum err history_parse(struct history *history, FILE *file, size_t *ret_line, const char **ret_why) MUST_USE;
void history_print(const struct history *history, const struct history_op *op,
                   FILE *file); /* as a line, without its end */
void history_print_symbol(const struct history *history, uint64_t symbol, FILE *file);
