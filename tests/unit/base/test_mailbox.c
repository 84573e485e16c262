/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <pthread.h>

#include "base/clock.h"
#include "tests/unit/unit.h"

enum { LETTERS = 10000, POSTERS = 4 };

struct letter {
	struct mailbox_letter letter;
	int poster, number;
};

static void a_full_mailbox_refuses_and_takes_nothing(void **state)
{
	struct mailbox *mailbox = mailbox_new(1);
	struct letter first = {.number = 1}, second = {.number = 2};
	assert_int_equal(mailbox_post(mailbox, &first.letter), ERR_OK);
	assert_int_equal(mailbox_post(mailbox, &second.letter), ERR_BUSY);
	mailbox_post_always(mailbox, &second.letter);
	struct mailbox_letter *all = mailbox_drain(mailbox, 0);
	assert_ptr_equal(all, &first.letter);
	assert_ptr_equal(all->next, &second.letter);
	assert_null(all->next->next);
	mailbox_free(mailbox);
}

static void a_deadline_ends_the_wait(void **state)
{
	struct mailbox *mailbox = mailbox_new(1);
	uint64_t before_ns = clock_steady_ns();
	assert_null(mailbox_drain(mailbox, before_ns + 20 * CLOCK_NS_PER_MS));
	assert_true(clock_steady_ns() - before_ns >= 20 * CLOCK_NS_PER_MS);
	mailbox_free(mailbox);
}

static void a_stopped_mailbox_refuses_and_wakes_its_owner(void **state)
{
	struct mailbox *mailbox = mailbox_new(1);
	struct letter letter = {.number = 1};
	mailbox_stop(mailbox);
	assert_int_equal(mailbox_post(mailbox, &letter.letter), ERR_STOPPED);
	assert_null(mailbox_drain(mailbox, UINT64_MAX));
	mailbox_free(mailbox);
}

static struct letter letters[POSTERS][LETTERS];
struct poster {
	struct mailbox *mailbox;
	int number;
};

static void *post_all(void *argument)
{
	struct poster *poster = argument;
	for (int i = 0; i < LETTERS; i++) {
		letters[poster->number][i] = (struct letter){.poster = poster->number, .number = i};
		mailbox_post_always(poster->mailbox, &letters[poster->number][i].letter);
	}
	return NULL;
}

static void each_posters_letters_arrive_once_and_in_order(void **state)
{
	struct mailbox *mailbox = mailbox_new(1);
	struct poster posters[POSTERS];
	pthread_t threads[POSTERS];
	for (int i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){mailbox, i};
		pthread_create(&threads[i], NULL, post_all, &posters[i]);
	}
	int next[POSTERS] = {0}, arrived = 0;
	while (arrived < POSTERS * LETTERS) {
		struct mailbox_letter *all = mailbox_drain(mailbox, UINT64_MAX);
		for (; all != NULL; all = all->next, arrived++) {
			struct letter *letter = (struct letter *)all;
			assert_int_equal(letter->number, next[letter->poster]++);
		}
	}
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	mailbox_free(mailbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_full_mailbox_refuses_and_takes_nothing),
	    cmocka_unit_test(a_deadline_ends_the_wait),
	    cmocka_unit_test(a_stopped_mailbox_refuses_and_wakes_its_owner),
	    cmocka_unit_test(each_posters_letters_arrive_once_and_in_order),
	};
	return UNIT_RUN(tests);
}
