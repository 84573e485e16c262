/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

static struct verdict verdict_own;
struct verdict *verdict = &verdict_own;

struct verdict *verdict_share(void)
{
	void *shared = mmap(NULL, sizeof(struct verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	return shared;
}

void verdict_begin(uint64_t seed)
{
	verdict->seed = seed;
	verdict->steps = 0;
	verdict->rule = RULE_NONE;
	verdict->made_count = 0;
}

const char *rule_text(enum rule rule)
{
#define RULES_TEXT(name, text) text,
	static const char *const texts[] = {RULES(RULES_TEXT)};
	return texts[rule];
}

void verdict_fail(enum rule rule, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(verdict->text, sizeof verdict->text, format, arguments);
	va_end(arguments);
	verdict->rule = rule;
	fflush(stdout);
	_Exit(1);
}

/* The linker puts it in place of the one in base/check.c: a check() that fails is a verdict like any other. */
_Noreturn void __wrap_check_failed(const char *file, int line, const char *function, const char *condition);
_Noreturn void __wrap_check_failed(const char *file, int line, const char *function, const char *condition)
{
	const char *name = strrchr(file, '/');
	verdict_fail(RULE_CHECK, "%s:%d: %s: %s", name != NULL ? name + 1 : file, line, function, condition);
}
