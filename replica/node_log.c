/* SPDX-License-Identifier: Apache-2.0 */
/* The log role: all writes that wait go to disk as one. */
#include "replica/node.h"

#include <stdlib.h>

#include "base/bug.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "replica/recovery.h"

void node_write(struct replica *replica, struct write_job *job)
{
	pthread_mutex_lock(&replica->jobs_mutex);
	STAILQ_INSERT_TAIL(&replica->writes, job, next);
	pthread_mutex_unlock(&replica->jobs_mutex);
	crew_want(replica->crew, CREW_LOG);
}

/* Several writes as one: their entries one after the other, less what a later one truncates. */
struct batch {
	struct raftlog_entry *entries;
	size_t count, capacity;
	struct raftlog_batch write;
	uint64_t write_id, trim_to;
};

static void batch_truncate(struct batch *batch, uint64_t from)
{
	while (batch->count != 0 && batch->entries[batch->count - 1].index >= from)
		batch->count--;
	/* Truncating where only entries of this batch stood is no harm: the log has nothing there. */
	if (batch->write.truncate_from == 0 || from < batch->write.truncate_from)
		batch->write.truncate_from = from;
}

static void batch_add(struct batch *batch, const struct write_job *job)
{
	if (job->trim_to > batch->trim_to)
		batch->trim_to = job->trim_to;
	if (job->write_id == 0)
		return;
	check(job->write_id > batch->write_id);
	batch->write_id = job->write_id;
	batch->write.term = job->term;
	batch->write.vote = job->vote;
	if (job->truncate_from != 0)
		batch_truncate(batch, job->truncate_from);
	while (batch->count + job->count > batch->capacity) {
		batch->capacity = batch->capacity != 0 ? batch->capacity * 2 : 64;
		batch->entries = memory_resize(batch->entries, batch->capacity, sizeof *batch->entries);
	}
	for (size_t i = 0; i < job->count; i++)
		batch->entries[batch->count++] = (struct raftlog_entry){.index = job->entries[i].index,
		                                                        .term = job->entries[i].term,
		                                                        .kind = (uint8_t)job->entries[i].kind,
		                                                        .time_ns = job->entries[i].time_ns,
		                                                        .payload = entry_payload(&job->entries[i])};
}

/* Writes what was gathered. */
static void node_write_batch(struct replica *replica, struct batch *batch)
{
	if (batch->write_id != 0) {
		batch->write.entries = batch->entries;
		batch->write.count = batch->count;
		atomic_store(&replica->write_began_ns, clock_steady_ns());
		if (HAS_BUG(WRITTEN_BEFORE_SYNC))
			atomic_store(&replica->written, batch->write_id);
		raftlog_write(replica->log, &batch->write);
		atomic_store(&replica->write_began_ns, 0);
		atomic_store(&replica->written, batch->write_id);
		crew_want(replica->crew, CREW_RAFT);
	}
	/* What is trimmed was applied and flushed, so it stands before every write of the batch. */
	if (batch->trim_to != 0)
		raftlog_trim(replica->log, batch->trim_to);
	free(batch->entries);
	*batch = (struct batch){0};
}

static void node_reset_log(struct replica *replica, struct write_job *job)
{
	if (!HAS_BUG(INSTALL_KEEPS_LOG))
		raftlog_reset(replica->log, job->reset_to->index, job->reset_to->term);
	enum err err = recovery_forget_install(replica);
	(void)err; /* logged; it is forgotten at the next start at the latest */
	node_post(replica, job->reset_to);
	job->reset_to = NULL;
}

void node_log(void *argument)
{
	struct replica *replica = argument;
	crew_check(replica->crew, CREW_LOG);
	struct write_jobs jobs = STAILQ_HEAD_INITIALIZER(jobs);
	struct batch batch = {0};
	struct write_job *job;
	pthread_mutex_lock(&replica->jobs_mutex);
	STAILQ_CONCAT(&jobs, &replica->writes);
	pthread_mutex_unlock(&replica->jobs_mutex);
	STAILQ_FOREACH(job, &jobs, next)
	{
		if (job->reset_to != NULL) {
			node_write_batch(replica, &batch);
			node_reset_log(replica, job);
		} else {
			batch_add(&batch, job);
		}
	}
	node_write_batch(replica, &batch);
	while ((job = STAILQ_FIRST(&jobs)) != NULL) {
		STAILQ_REMOVE_HEAD(&jobs, next);
		write_job_free(job);
	}
}
