/* SPDX-License-Identifier: Apache-2.0 */
/* Histories whose verdict is known, each for one way to be right or wrong. */
#include <stdlib.h>

#include "base/err.h"
#include "base/random.h"
#include "tests/checker/linear.h"
#include "tests/unit/unit.h"

struct known {
	const char *name, *text;
};

static const struct known legal[] = {
    {"nothing", ""},
    {"a read of what is absent", "a 1 2 x==-"},
    {"a read of the beginning", "begin x=7\na 1 2 x==7"},
    {"a read after its write", "a 1 2 x=1\nb 3 4 x==1"},
    {"a read during a write sees the old or the new", "a 1 2 x=1\na 3 9 x=2\nb 4 5 x==1\nb 6 7 x==2"},
    {"what touches is concurrent", "a 1 2 x=1\nb 2 3 x==-"},
    {"two writes at once, in either order", "a 1 5 x=1\nb 1 5 x=2\nc 6 7 x==1"},
    {"two writes at once, in the other order", "a 1 5 x=1\nb 1 5 x=2\nc 6 7 x==2"},
    {"a value comes back by a second write of it", "a 1 2 x=1\na 3 4 x=2\na 5 6 x=1\nb 7 8 x==1"},
    {"an unknown write that never happened", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 x==1\nc 6 7 x==1"},
    {"an unknown write that happened at once", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 x==2\nc 6 7 x==2"},
    {"an unknown write that took effect late", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 x==1\na 6 7 x=3\nc 8 9 x==3\nc 10 11 x==2"},
    {"an unknown write seen by its refusals", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 refused x==1 x=3"},
    {"an unknown swap that happened", "a 1 2 x=1\nb 3 ? x==1 x=2\nc 4 5 x==2"},
    {"an unknown swap that others overtook", "a 1 2 x=1\nb 3 ? x==1 x=2\na 4 5 x=4\nc 6 7 x==4"},
    {"a chain of unknown swaps", "begin x=0\na 1 ? x==0 x=1\nb 1 ? x==1 x=2\nc 1 ? x==2 x=3\nd 2 3 x==3"},
    {"a swap", "begin x=1\na 1 2 x==1 x=2\nb 3 4 x==2"},
    {"swaps at once, one refused", "begin x=1\na 1 5 x==1 x=2\nb 1 5 refused x==1 x=3\nc 6 7 x==2"},
    {"a swap that a write at once refuses", "begin x=1\na 1 5 x=4\nb 2 3 refused x==1 x=3\nc 6 7 x==4"},
    {"a delete", "begin x=1\na 1 2 x=-\nb 3 4 x==-"},
    {"a create after a delete", "begin x=1\na 1 2 x=-\nb 3 4 x==- x=2\nc 5 6 x==2"},
    {"two creates, one winner", "a 1 5 x==- x=1\nb 1 5 refused x==- x=2\nc 6 7 x==1"},
    {"a delete that found nothing", "a 1 2 x==- x=-\nb 3 4 x=1"},
    {"two keys by themselves", "a 1 2 x=1\nb 3 4 y=1\na 5 6 y==1\nb 7 8 x==1"},
    {"a rename", "begin a=v\nn 1 2 a==v a=- b=v\nm 3 4 a==-\nm 5 6 b==v"},
    {"a look at two keys at once", "begin x=1 y=1\na 1 9 x=2 y=2\nb 2 3 x==1 y==1\nb 4 5 x==2 y==2"},
    {"revisions that rise", "a 1 5 r<2 r=2 x=a\nb 1 5 r<3 r=3 y=b\nc 6 7 r==3 x==a y==b"},
    {"readers that agree", "a 1 9 x=1\nb 1 9 x=2\nc 2 3 x==1\nd 4 5 x==1\nc 6 7 x==2\nd 8 8 x==2"},
    {"what is not something", "begin x=1\na 1 5 x!=1\nb 2 3 x=2"},
};

static const struct known illegal[] = {
    {"a read from nowhere", "a 1 2 x==1"},
    {"a read before its write", "a 1 2 x==1\nb 3 4 x=1"},
    {"a stale read", "a 1 2 x=1\na 3 4 x=2\nb 5 6 x==1"},
    {"a stale read after another's new one", "a 1 2 x=1\na 3 20 x=2\nb 4 5 x==2\nc 6 7 x==1"},
    {"a lost update", "a 1 2 x=1\nb 3 4 x==-"},
    {"a lost update of two at once", "begin x=0\na 1 5 x==0 x=1\nb 1 5 x==0 x=2\nc 6 7 x==2"},
    {"a duplicate application", "a 1 2 x=1\nb 3 4 x=2\nc 5 6 x==2\nc 7 8 x==1"},
    {"an unknown write that happened twice", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 x==2\na 6 7 x=3\nc 8 9 x==3\nc 10 11 x==2"},
    {"an unknown write that happened before its call", "a 1 2 x==2\nb 3 ? x=2"},
    {"an unknown write that was undone", "a 1 2 x=1\nb 3 ? x=2\nc 4 5 x==2\nc 6 7 x==1"},
    {"an unknown swap whose condition never held", "a 1 2 x=1\nb 3 ? x==9 x=2\nc 4 5 x==2"},
    {"readers that disagree", "a 1 9 x=1\nb 1 9 x=2\nc 2 3 x==1\nd 2 3 x==2\nc 4 5 x==2\nd 4 5 x==1"},
    {"two swaps of the same", "begin x=1\na 1 2 x==1 x=2\nb 3 4 x==1 x=3"},
    {"a swap refused for no reason", "begin x=1\na 1 2 refused x==1 x=2"},
    {"a swap refused too early", "begin x=1\nb 1 2 refused x==1 x=3\na 3 4 x=4"},
    {"two creates, two winners", "a 1 5 x==- x=1\nb 1 5 x==- x=2"},
    {"two creates, no winner", "a 1 5 refused x==- x=1\nb 1 5 refused x==- x=2"},
    {"a delete that did not delete", "begin x=1\na 1 2 x=-\nb 3 4 x==1"},
    {"a deleted one that comes back", "a 1 2 x=1\na 3 4 x=-\nb 5 6 x==-\nb 7 8 x==1"},
    {"one bad key of two", "a 1 2 x=1\na 3 4 y=1\nb 5 6 y==-"},
    {"half a rename", "begin a=v\nn 1 2 a==v a=- b=v\nm 3 4 a==-\nm 5 6 b==-"},
    {"half of two keys", "begin x=1 y=1\na 1 9 x=2 y=2\nb 2 3 x==2 y==1"},
    {"keys whose orders contradict each other", "a 1 2 x=1 z=1\nb 3 4 x=2 z=2\nc 5 6 z==1 x==2"},
    {"a revision twice", "a 1 5 r<2 r=2 x=a\nb 1 5 r<2 r=2 y=b"},
    {"revisions against time", "a 1 2 r<3 r=3 x=a\nb 3 4 r<2 r=2 y=b"},
    {"an old revision's state", "a 1 2 r<2 r=2 x=a\nb 3 4 r<3 r=3 x=b\nc 5 6 r==2 x==a"},
    {"an old value between two looks", "begin x=0\na 1 2 x=1\nb 3 9 x=2\nc 4 5 x==2\nd 6 7 x!=2"},
};

static enum linear_verdict verdict_of(const char *text, char **ret_why)
{
	struct history history;
	struct linear_limits limits = LINEAR_LIMITS_DEFAULT;
	size_t line, size;
	const char *wrong;
	FILE *file = fmemopen((char *)(uintptr_t)text, strlen(text) + 1, "r");
	FILE *why = open_memstream(ret_why, &size);
	history_init(&history);
	enum err err = history_parse(&history, file, &line, &wrong);
	if (err != ERR_OK)
		fail_msg("line %zu of\n%s\n%s", line, text, wrong);
	enum linear_verdict verdict = linear_check(&history, &limits, why);
	fclose(file);
	fclose(why);
	history_fini(&history);
	return verdict;
}

static void expect_verdict(const struct known *known, size_t count, enum linear_verdict expected)
{
	for (size_t i = 0; i < count; i++) {
		char *why = NULL;
		if (verdict_of(known[i].text, &why) != expected)
			fail_msg("%s:\n%s\n%s", known[i].name, known[i].text, why);
		assert_int_equal(strlen(why) != 0, expected == LINEAR_NO);
		free(why);
	}
}

static void what_is_legal_is_taken(void **state)
{
	expect_verdict(legal, sizeof legal / sizeof *legal, LINEAR_YES);
}

static void what_is_illegal_is_found(void **state)
{
	expect_verdict(illegal, sizeof illegal / sizeof *illegal, LINEAR_NO);
}

/* A stale read among hundreds of others: what is printed is what matters, in words that can be fed in again. */
static void an_explanation_is_short(void **state)
{
	char *text = NULL, *why = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	for (int i = 0; i < 300; i++) {
		fprintf(file, "w %d %d x=%d\n", 10 * i, 10 * i + 5, i);
		fprintf(file, "r%d %d %d x==%d\n", i % 3, 10 * i + 6, 10 * i + 8, i == 200 ? 198 : i);
	}
	fclose(file);
	assert_int_equal(verdict_of(text, &why), LINEAR_NO);
	assert_string_equal(why, "NOT linearizable: key x; of its 600 operations, 3 have no order by themselves\n"
	                         "the furthest way through them:\n"
	                         "  w 1980 1985 x=198\n"
	                         "  w 1990 1995 x=199\n"
	                         "after it there is x==199, and nothing that had begun by 2008 leads on:\n"
	                         "  r2 2006 2008 x==198\n");
	free(text);
	free(why);
}

static void add_random_op(struct history *history, struct random *random, uint64_t value)
{
	uint64_t at = random_below(random, 100);
	history_write(history, (struct history_op){.client = value, .call = at, .ret = at + 1000}, 1, value);
}

/* Forty writes at once and a read of nothing: more orders than anybody has seen. */
static void a_limit_makes_the_verdict_unknown(void **state)
{
	struct history history;
	struct random random;
	char *text = NULL;
	size_t size;
	FILE *why = open_memstream(&text, &size);
	history_init(&history);
	random_init(&random, 1);
	for (uint64_t value = 0; value < 40; value++)
		add_random_op(&history, &random, value);
	history_read(&history, (struct history_op){.call = 500, .ret = 600}, 1, 99);
	struct linear_limits limits = {.memory_bytes_max = 1 << 20};
	assert_int_equal(linear_check(&history, &limits, why), LINEAR_UNKNOWN);
	fclose(why);
	assert_non_null(strstr(text, "the limit of memory was reached"));
	free(text);
	history_fini(&history);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_legal_is_taken),
	    cmocka_unit_test(what_is_illegal_is_found),
	    cmocka_unit_test(an_explanation_is_short),
	    cmocka_unit_test(a_limit_makes_the_verdict_unknown),
	};
	return UNIT_RUN(tests);
}
