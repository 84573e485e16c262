/* SPDX-License-Identifier: Apache-2.0 */
#include "api/reactor.h"

#include "tests/unit/unit.h"

enum { STEPS = 5 };

struct chain {
	struct reactor_task task;
	struct reactor *reactor;
	int left, ran;
};

static void chain_run(struct reactor_task *task)
{
	struct chain *chain = (struct chain *)task;
	chain->ran++;
	if (--chain->left > 0)
		reactor_post(chain->reactor, task);
}

static void chain_defer(struct reactor_task *task)
{
	struct chain *chain = (struct chain *)task;
	task->run = chain_run;
	reactor_defer(chain->reactor, task);
}

/* Who has much to do does it in turns, and posts itself for the next one. */
static void what_is_left_at_the_end_is_done(void **state)
{
	struct chain posts = {.task.run = chain_run, .left = STEPS}, defers = {.task.run = chain_defer, .left = STEPS};
	struct reactor *reactor;
	assert_int_equal(reactor_new(&reactor), ERR_OK);
	posts.reactor = defers.reactor = reactor;
	reactor_post(reactor, &posts.task);
	reactor_post(reactor, &defers.task);
	reactor_free(reactor);
	assert_int_equal(posts.ran, STEPS);
	assert_int_equal(defers.ran, STEPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_left_at_the_end_is_done),
	};
	return UNIT_RUN(tests);
}
