/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of a history; see history.h. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/memory.h"
#include "tests/checker/history.h"

enum { HISTORY_DIGITS_MAX = 18, HISTORY_RULES_MAX = 64 };

#define HISTORY_NAMED (UINT64_C(1) << 63) /* the numbers from here on are those of names */

/* ---- names ---- */

static bool history_is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	return digits != 0 && digits <= HISTORY_DIGITS_MAX && text[digits] == '\0' && (text[0] != '0' || digits == 1);
}

static uint64_t history_name_hash(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return hash;
}

uint64_t history_symbol(struct history *history, const char *name)
{
	if (history_is_number(name))
		return strtoull(name, NULL, 10);
	uint64_t hash = history_name_hash(name) | 1;
	for (void *found; (found = map_find(&history->symbols, hash)) != NULL; hash += 2) {
		size_t index = (size_t)(uintptr_t)found - 1;
		if (strcmp(history->names[index], name) == 0)
			return HISTORY_NAMED | index;
	}
	size_t index = history->name_count++;
	history->names = memory_resize(history->names, history->name_count, sizeof *history->names);
	history->names[index] = arena_dup_string(&history->arena, bytes_of_string(name));
	map_set(&history->symbols, hash, (void *)(uintptr_t)(index + 1));
	return HISTORY_NAMED | index;
}

void history_print_symbol(const struct history *history, uint64_t symbol, FILE *file)
{
	if (symbol == HISTORY_ABSENT)
		fputs("-", file);
	else if (symbol < HISTORY_NAMED)
		fprintf(file, "%" PRIu64, symbol);
	else
		fputs(history->names[symbol - HISTORY_NAMED], file);
}

/* ---- out ---- */

static const char *const history_signs[] = {
    [HISTORY_IS] = "==", [HISTORY_IS_NOT] = "!=", [HISTORY_IS_BELOW] = "<", [HISTORY_SET] = "="};

void history_print(const struct history *history, const struct history_op *op, FILE *file)
{
	history_print_symbol(history, op->client, file);
	fprintf(file, " %" PRIu64, op->call);
	if (op->outcome == HISTORY_UNKNOWN)
		fputs(" ?", file);
	else
		fprintf(file, " %" PRIu64 "%s", op->ret, op->outcome == HISTORY_REFUSED ? " refused" : "");
	for (size_t i = 0; i < op->rule_count; i++) {
		fputs(" ", file);
		history_print_symbol(history, op->rules[i].key, file);
		fputs(history_signs[op->rules[i].kind], file);
		history_print_symbol(history, op->rules[i].value, file);
	}
}

/* ---- in ---- */

/* The words of a line, cut in place. */
static char *history_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r\n");
	if (*word == '\0' || *word == '#')
		return NULL;
	*rest = word + strcspn(word, " \t\r\n");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return word;
}

static bool history_accept(char **rest, const char *word)
{
	char *at = *rest + strspn(*rest, " \t"), *end = at + strlen(word);
	if (strncmp(at, word, strlen(word)) != 0 || (*end != '\0' && !isspace((unsigned char)*end)))
		return false;
	*rest = end;
	return true;
}

static bool history_parse_rule(struct history *history, char *word, struct history_rule *ret_rule)
{
	char *sign = word + strcspn(word, "=!<");
	for (size_t kind = 0; kind < sizeof history_signs / sizeof *history_signs; kind++) {
		size_t length = strlen(history_signs[kind]);
		if (strncmp(sign, history_signs[kind], length) != 0)
			continue;
		const char *value = sign + length;
		if (sign == word || *value == '\0' || strpbrk(value, "=!<") != NULL)
			return false;
		*sign = '\0';
		ret_rule->kind = (enum history_rule_kind)kind;
		ret_rule->key = history_symbol(history, word);
		ret_rule->value = strcmp(value, "-") == 0 ? HISTORY_ABSENT : history_symbol(history, value);
		return true;
	}
	return false;
}

/* What is wrong, or NULL. */
static const char *history_parse_times(struct history_op *op, const char *call, const char *ret)
{
	if (call == NULL || ret == NULL)
		return "it has no time of call and return";
	if (!history_is_number(call) || (strcmp(ret, "?") != 0 && !history_is_number(ret)))
		return "a time is a whole number of at most 18 digits, or ? for a return that is unknown";
	op->call = strtoull(call, NULL, 10);
	op->outcome = strcmp(ret, "?") == 0 ? HISTORY_UNKNOWN : HISTORY_DONE;
	op->ret = op->outcome == HISTORY_UNKNOWN ? HISTORY_NEVER : strtoull(ret, NULL, 10);
	return op->ret < op->call ? "it returns before it is called" : NULL;
}

static const char *history_parse_rules(struct history *history, char **rest, struct history_rule *rules,
                                       size_t *ret_count)
{
	size_t count = 0;
	for (char *word; (word = history_word(rest)) != NULL; count++) {
		if (count == HISTORY_RULES_MAX)
			return "it has more than 64 rules";
		if (!history_parse_rule(history, word, &rules[count]))
			return "a rule is KEY==VALUE, KEY!=VALUE, KEY<VALUE or KEY=VALUE";
	}
	*ret_count = count;
	return count == 0 ? "it has no rule" : NULL;
}

static const char *history_parse_begin(struct history *history, char *rest)
{
	struct history_rule rules[HISTORY_RULES_MAX];
	size_t count = 0;
	const char *why = history_parse_rules(history, &rest, rules, &count);
	for (size_t i = 0; why == NULL && i < count; i++) {
		if (rules[i].kind != HISTORY_SET)
			return "what is there in the beginning is KEY=VALUE";
		history_begin_with(history, rules[i].key, rules[i].value);
	}
	return why;
}

static const char *history_parse_line(struct history *history, char *line)
{
	struct history_rule rules[HISTORY_RULES_MAX];
	struct history_op op = {.rules = rules};
	const char *client = history_word(&line);
	if (client == NULL)
		return NULL;
	if (strcmp(client, "begin") == 0)
		return history_parse_begin(history, line);
	op.client = history_symbol(history, client);
	const char *call = history_word(&line), *ret = history_word(&line);
	const char *why = history_parse_times(&op, call, ret);
	if (why != NULL)
		return why;
	if (history_accept(&line, "refused")) {
		if (op.outcome == HISTORY_UNKNOWN)
			return "what was refused has a return";
		op.outcome = HISTORY_REFUSED;
	}
	why = history_parse_rules(history, &line, rules, &op.rule_count);
	if (why == NULL)
		history_add(history, op);
	return why;
}

enum err history_parse(struct history *history, FILE *file, size_t *ret_line, const char **ret_why)
{
	AUTO_FREE char *line = NULL;
	size_t capacity = 0;
	for (size_t number = 1; getline(&line, &capacity, file) != -1; number++) {
		const char *why = history_parse_line(history, line);
		if (why == NULL)
			continue;
		*ret_line = number;
		*ret_why = why;
		return ERR_INVALID;
	}
	return ferror(file) ? err_from_errno(errno) : ERR_OK;
}
