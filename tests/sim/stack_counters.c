/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_counters.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/check.h"

static atomic_uint_fast64_t *counters;

#define COUNTERS_TEXT(name, text) text,
static const char *const counter_texts[] = {COUNTERS(COUNTERS_TEXT)};

void counters_share(void)
{
	void *shared =
	    mmap(NULL, COUNTER_COUNT * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared != MAP_FAILED);
	counters = shared;
}

void counters_add(enum counter counter)
{
	atomic_fetch_add_explicit(&counters[counter], 1, memory_order_relaxed);
}

void counters_print(void)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		printf("%12ju  %s\n", (uintmax_t)atomic_load(&counters[i]), counter_texts[i]);
}

bool counters_are_complete(void)
{
	bool complete = true;
	for (int i = 0; i < COUNTER_COUNT; i++) {
		if (atomic_load(&counters[i]) != 0)
			continue;
		printf("never reached: %s\n", counter_texts[i]);
		complete = false;
	}
	return complete;
}
