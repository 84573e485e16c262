/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/stack_cross.h"

#include "tests/checker/linear.h"
#include "tests/sim/stack_counters.h"
#include "tests/sim/stack_world.h"

enum { CROSS_MEMORY_BYTES_MAX = 4 << 20 };

static struct history cross_history;
static bool cross_notes; /* of this seed */

static uint64_t cross_value(uint64_t number)
{
	return number != 0 ? number : HISTORY_ABSENT;
}

/* Each operation is by a client of its own: nothing is said of the order of two but by their times. */
static struct history_op cross_op(uint64_t called_us, enum history_outcome outcome)
{
	return (struct history_op){.client = cross_history.count,
	                           .call = called_us,
	                           .ret = outcome == HISTORY_UNKNOWN ? HISTORY_NEVER : world_now_us(),
	                           .outcome = outcome};
}

static void cross_write(const struct model_command *command, uint64_t called_us, enum history_outcome outcome)
{
	struct history_rule rules[2];
	struct history_op op = cross_op(called_us, outcome);
	if (!cross_notes)
		return;
	if (command->kind == MODEL_COMPARE)
		rules[op.rule_count++] = (struct history_rule){HISTORY_IS, command->key, command->expected};
	uint64_t value = command->kind == MODEL_DELETE ? HISTORY_ABSENT : command->number;
	rules[op.rule_count++] = (struct history_rule){HISTORY_SET, command->key, value};
	op.rules = rules;
	history_add(&cross_history, op);
}

void cross_wrote(const struct model_command *command, uint64_t called_us)
{
	cross_write(command, called_us, command->succeeded ? HISTORY_DONE : HISTORY_REFUSED);
}

void cross_maybe_wrote(const struct model_command *command, uint64_t called_us)
{
	cross_write(command, called_us, HISTORY_UNKNOWN);
}

void cross_read(unsigned key, uint64_t number, uint64_t called_us)
{
	if (cross_notes)
		history_read(&cross_history, cross_op(called_us, HISTORY_DONE), key, cross_value(number));
}

void cross_begin(void)
{
	cross_notes = world_seed % CROSS_EVERY == 0;
	history_init(&cross_history);
}

void cross_end(void)
{
	const struct linear_limits limits = {.memory_bytes_max = CROSS_MEMORY_BYTES_MAX};
	if (cross_notes) {
		switch (linear_check(&cross_history, &limits, world_traces ? stdout : NULL)) {
		case LINEAR_YES:
			counters_add(COUNTER_CROSS_CHECKED);
			break;
		case LINEAR_NO:
			world_fail("no order of the %zu operations explains their answers", cross_history.count);
		case LINEAR_UNKNOWN:
			break;
		}
	}
	history_fini(&cross_history);
}
