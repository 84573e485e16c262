/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/wait.h"

struct mailbox {
	pthread_mutex_t mutex; /* guards all below; a leaf */
	pthread_cond_t filled;
	struct mailbox_letter *first, **last;
	size_t count, count_max;
	bool stopped, owner_sleeps;
};

struct mailbox *mailbox_new(size_t letters_max)
{
	check(letters_max > 0);
	struct mailbox *mailbox = memory_new(sizeof *mailbox);
	pthread_mutex_init(&mailbox->mutex, NULL);
	wait_cond_init(&mailbox->filled);
	mailbox->last = &mailbox->first;
	mailbox->count_max = letters_max;
	return mailbox;
}

void mailbox_free(struct mailbox *mailbox)
{
	if (mailbox == NULL)
		return;
	check(mailbox->first == NULL);
	pthread_cond_destroy(&mailbox->filled);
	pthread_mutex_destroy(&mailbox->mutex);
	free(mailbox);
}

static void mailbox_append(struct mailbox *mailbox, struct mailbox_letter *letter)
{
	letter->next = NULL;
	*mailbox->last = letter;
	mailbox->last = &letter->next;
	mailbox->count++;
	if (mailbox->owner_sleeps) {
		mailbox->owner_sleeps = false;
		pthread_cond_signal(&mailbox->filled);
	}
}

enum err mailbox_post(struct mailbox *mailbox, struct mailbox_letter *letter)
{
	enum err err = ERR_OK;
	pthread_mutex_lock(&mailbox->mutex);
	if (mailbox->stopped)
		err = ERR_STOPPED;
	else if (mailbox->count >= mailbox->count_max)
		err = ERR_BUSY;
	else
		mailbox_append(mailbox, letter);
	pthread_mutex_unlock(&mailbox->mutex);
	return err;
}

void mailbox_post_always(struct mailbox *mailbox, struct mailbox_letter *letter)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox_append(mailbox, letter);
	pthread_mutex_unlock(&mailbox->mutex);
}

/* Waits once; false when the deadline has passed. The mutex is held. */
static bool mailbox_wait(struct mailbox *mailbox, uint64_t deadline_ns)
{
	mailbox->owner_sleeps = true;
	return wait_until(&mailbox->filled, &mailbox->mutex, deadline_ns);
}

struct mailbox_letter *mailbox_drain(struct mailbox *mailbox, uint64_t deadline_ns)
{
	pthread_mutex_lock(&mailbox->mutex);
	while (mailbox->first == NULL && !mailbox->stopped && deadline_ns != 0) {
		if (!mailbox_wait(mailbox, deadline_ns))
			break;
	}
	mailbox->owner_sleeps = false;
	struct mailbox_letter *all = mailbox->first;
	mailbox->first = NULL;
	mailbox->last = &mailbox->first;
	mailbox->count = 0;
	pthread_mutex_unlock(&mailbox->mutex);
	return all;
}

void mailbox_stop(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	mailbox->stopped = true;
	mailbox->owner_sleeps = false;
	pthread_cond_broadcast(&mailbox->filled);
	pthread_mutex_unlock(&mailbox->mutex);
}

bool mailbox_is_stopped(struct mailbox *mailbox)
{
	pthread_mutex_lock(&mailbox->mutex);
	bool stopped = mailbox->stopped;
	pthread_mutex_unlock(&mailbox->mutex);
	return stopped;
}
