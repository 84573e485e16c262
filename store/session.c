/* SPDX-License-Identifier: Apache-2.0 */
#include "store/session.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/memory.h"

enum { PENDING_BYTES_MAX = 64 << 20 };

struct session {
	struct row_session row;
	uint64_t floor;      /* below it all is answered */
	struct map outcomes; /* sequence -> struct outcome */
};

struct outcome_row {
	uint64_t index; /* of its first outcome: its key */
	size_t wanted;  /* outcomes in it that are remembered */
};

struct outcome {
	struct row_outcome row;
	struct outcome_row *stored;
};

void sessions_init(struct sessions *sessions)
{
	*sessions = (struct sessions){0};
	pthread_mutex_init(&sessions->lock, NULL);
	map_init(&sessions->sessions);
	buffer_init(&sessions->pending, PENDING_BYTES_MAX);
}

/* ---- forgetting ---- */

static void sessions_row_dead(struct sessions *sessions, uint64_t index)
{
	if (sessions->dead_count == sessions->dead_capacity) {
		sessions->dead_capacity = sessions->dead_capacity != 0 ? sessions->dead_capacity * 2 : 16;
		sessions->dead_rows = memory_resize(sessions->dead_rows, sessions->dead_capacity, sizeof(uint64_t));
	}
	sessions->dead_rows[sessions->dead_count++] = index;
}

static void outcome_free(struct sessions *sessions, struct outcome *outcome)
{
	struct outcome_row *row = outcome->stored;
	free(outcome);
	if (--row->wanted > 0 || row == sessions->row)
		return;
	sessions_row_dead(sessions, row->index);
	free(row);
}

static void outcome_forget(struct sessions *sessions, struct session *session, uint64_t sequence)
{
	struct outcome *outcome = map_remove(&session->outcomes, sequence);
	if (outcome != NULL)
		outcome_free(sessions, outcome);
}

static void session_free(struct sessions *sessions, struct session *session)
{
	uint64_t sequence;
	void *outcome;
	for (size_t at = 0; map_next(&session->outcomes, &at, &sequence, &outcome);)
		outcome_free(sessions, outcome);
	map_fini(&session->outcomes);
	free(session);
}

static void sessions_forget_all(struct sessions *sessions)
{
	uint64_t number;
	void *session;
	for (size_t at = 0; map_next(&sessions->sessions, &at, &number, &session);)
		session_free(sessions, session);
	map_fini(&sessions->sessions);
	free(sessions->row);
	sessions->row = NULL;
	sessions->dead_count = 0;
	buffer_clear(&sessions->pending);
}

void sessions_fini(struct sessions *sessions)
{
	sessions_forget_all(sessions);
	free(sessions->dead_rows);
	buffer_fini(&sessions->pending);
	pthread_mutex_destroy(&sessions->lock);
}

/* Sequences are dense, so the way from the old floor to the new one is short; but whoever sends them may be wrong. */
static void session_raise(struct sessions *sessions, struct session *session, uint64_t floor)
{
	while (session->floor < floor && session->outcomes.count > 0) {
		if (session->floor != 0)
			outcome_forget(sessions, session, session->floor);
		session->floor++;
		if (session->floor % 4096 != 0 || floor - session->floor < SESSION_OUTCOMES_MAX)
			continue;
		uint64_t lowest = UINT64_MAX, sequence;
		void *outcome;
		for (size_t at = 0; map_next(&session->outcomes, &at, &sequence, &outcome);)
			lowest = sequence < lowest ? sequence : lowest;
		session->floor = lowest < floor ? lowest : floor;
	}
	if (session->floor < floor)
		session->floor = floor;
}

/* ---- remembering ---- */

static struct session *sessions_find(const struct sessions *sessions, uint64_t number)
{
	return number != 0 ? map_find(&sessions->sessions, number) : NULL;
}

static void session_remember(struct sessions *sessions, struct session *session, const struct row_outcome *row,
                             struct outcome_row *stored)
{
	struct outcome *outcome = memory_new(sizeof *outcome);
	*outcome = (struct outcome){.row = *row, .stored = stored};
	stored->wanted++;
	map_set(&session->outcomes, row->sequence, outcome);
}

enum session_answer sessions_ask(struct sessions *sessions, uint64_t number, uint64_t sequence,
                                 struct row_outcome *ret_outcome)
{
	enum session_answer answer = SESSION_STALE;
	pthread_mutex_lock(&sessions->lock);
	const struct session *session = sessions_find(sessions, number);
	if (session != NULL && sequence >= session->floor && sequence != 0) {
		const struct outcome *outcome = map_find(&session->outcomes, sequence);
		answer = outcome != NULL ? SESSION_REPEATED : SESSION_NEW;
		if (outcome != NULL)
			*ret_outcome = outcome->row;
	}
	pthread_mutex_unlock(&sessions->lock);
	return answer;
}

void sessions_note(struct sessions *sessions, const struct row_outcome *outcome)
{
	struct row_outcome noted = *outcome;
	pthread_mutex_lock(&sessions->lock);
	struct session *session = sessions_find(sessions, noted.session);
	check(session != NULL && map_find(&session->outcomes, noted.sequence) == NULL);
	if (sessions->row == NULL) {
		sessions->row = memory_new(sizeof *sessions->row);
		sessions->row->index = noted.index;
	}
	session_remember(sessions, session, &noted, sessions->row);
	/* A sequence is not below what its own command calls done. */
	session_raise(sessions, session, noted.done_below < noted.sequence ? noted.done_below : noted.sequence);
	while (session->outcomes.count > SESSION_OUTCOMES_MAX)
		session_raise(sessions, session, session->floor + 1);
	noted.done_below = session->floor;
	row_outcome_encode(&noted, &sessions->pending);
	pthread_mutex_unlock(&sessions->lock);
}

/* ---- opening ---- */

static struct session *sessions_add(struct sessions *sessions, const struct row_session *row)
{
	struct session *session = memory_new(sizeof *session);
	session->row = *row;
	map_init(&session->outcomes);
	map_set(&sessions->sessions, row->session, session);
	return session;
}

/* Never the newest, but for a newer one: see sessions_next(). */
static void sessions_drop(struct sessions *sessions, struct batch *batch, struct session *session)
{
	batch_delete_row(batch, FAMILY_META, layout_session(session->row.session, &batch->arena));
	map_remove(&sessions->sessions, session->row.session);
	session_free(sessions, session);
}

static struct session *sessions_of_member(const struct sessions *sessions, uint64_t member)
{
	uint64_t number;
	void *value;
	for (size_t at = 0; map_next(&sessions->sessions, &at, &number, &value);)
		if (((struct session *)value)->row.member == member)
			return value;
	return NULL;
}

/* One after the newest, which is there until its member opens a newer one: so no number is given twice. */
static uint64_t sessions_next(const struct sessions *sessions)
{
	uint64_t newest = 0, number;
	void *value;
	for (size_t at = 0; map_next(&sessions->sessions, &at, &number, &value);)
		newest = number > newest ? number : newest;
	return newest + 1;
}

static struct session *sessions_oldest(const struct sessions *sessions)
{
	struct session *oldest = NULL;
	uint64_t number;
	void *value;
	for (size_t at = 0; map_next(&sessions->sessions, &at, &number, &value);)
		if (oldest == NULL || number < oldest->row.session)
			oldest = value;
	return oldest;
}

uint64_t sessions_open(struct sessions *sessions, struct batch *batch, uint64_t member, uint64_t nonce)
{
	pthread_mutex_lock(&sessions->lock);
	struct row_session row = {.session = sessions_next(sessions), .member = member, .nonce = nonce};
	struct session *before = sessions_of_member(sessions, member);
	bool same = before != NULL && before->row.nonce == nonce;
	if (same)
		row = before->row;
	else if (before != NULL)
		sessions_drop(sessions, batch, before);
	if (!same) {
		if (sessions->sessions.count == SESSIONS_MAX)
			sessions_drop(sessions, batch, sessions_oldest(sessions));
		sessions_add(sessions, &row);
		row_session_encode(&row, &batch->scratch);
		batch_put_row(batch, FAMILY_META, layout_session(row.session, &batch->arena));
	}
	pthread_mutex_unlock(&sessions->lock);
	return row.session;
}

void sessions_write(struct sessions *sessions, struct batch *batch)
{
	struct outcome_row *row = sessions->row;
	if (row != NULL && row->wanted > 0) {
		buffer_put(&batch->scratch, buffer_bytes(&sessions->pending));
		batch_put_row(batch, FAMILY_META, layout_outcomes(row->index, &batch->arena));
	} else {
		free(row);
	}
	for (size_t i = 0; i < sessions->dead_count; i++)
		batch_delete_row(batch, FAMILY_META, layout_outcomes(sessions->dead_rows[i], &batch->arena));
	sessions->row = NULL;
	sessions->dead_count = 0;
	buffer_clear(&sessions->pending);
}

/* ---- loading ---- */

static enum err sessions_load_session(struct sessions *sessions, struct bytes value)
{
	struct row_session row;
	enum err err = row_session_decode(value, &row);
	if (err == ERR_OK)
		sessions_add(sessions, &row);
	return err;
}

static void sessions_load_outcome(struct sessions *sessions, const struct row_outcome *row, struct outcome_row *stored)
{
	struct session *session = sessions_find(sessions, row->session);
	if (session == NULL)
		return;
	if (row->sequence >= session->floor)
		session_remember(sessions, session, row, stored);
	session_raise(sessions, session, row->done_below);
}

static enum err sessions_load_outcomes(struct sessions *sessions, uint64_t index, struct bytes value)
{
	struct outcome_row *stored = memory_new(sizeof *stored);
	stored->index = index;
	sessions->row = stored; /* not to be freed while it is filled */
	struct cursor cursor = cursor_over(value);
	struct row_outcome row;
	while (cursor.rest.size != 0 && !cursor.bad) {
		row_outcome_decode(&cursor, &row);
		if (!cursor.bad)
			sessions_load_outcome(sessions, &row, stored);
	}
	sessions->row = NULL;
	if (stored->wanted == 0) {
		sessions_row_dead(sessions, index);
		free(stored);
	}
	return cursor.bad ? ERR_CORRUPT : ERR_OK;
}

static enum err sessions_load_rows(struct sessions *sessions, struct kv_view *view, struct bytes begin)
{
	struct walk walk;
	enum err err = ERR_OK;
	view_walk(view, FAMILY_META, BYTES_NONE, &walk);
	bool outcomes = bytes_equal(begin, layout_all_outcomes());
	for (walk_seek(&walk, begin); err == ERR_OK && walk_at_row(&walk); walk_next(&walk)) {
		struct bytes row = walk_key(&walk);
		if (!bytes_have_prefix(row, begin))
			break;
		err = outcomes ? sessions_load_outcomes(sessions, layout_number(row), walk_value(&walk))
		               : sessions_load_session(sessions, walk_value(&walk));
	}
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	return err;
}

enum err sessions_load(struct sessions *sessions, struct kv_view *view)
{
	pthread_mutex_lock(&sessions->lock);
	sessions_forget_all(sessions);
	enum err err = sessions_load_rows(sessions, view, layout_sessions());
	if (err == ERR_OK)
		err = sessions_load_rows(sessions, view, layout_all_outcomes());
	pthread_mutex_unlock(&sessions->lock);
	if (err == ERR_CORRUPT)
		log_error("sessions_unreadable", "path=%s remedy=\"replace this node's data directory\"",
		          view->database->path);
	return err;
}
