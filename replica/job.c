/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/job.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

static void entries_drop(struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blob_unref(entries[i].blob);
}

struct write_job *write_job_new(size_t count)
{
	struct write_job *job = memory_new(sizeof *job + count * sizeof job->entries[0]);
	job->count = count;
	return job;
}

void write_job_free(struct write_job *job)
{
	check(job->reset_to == NULL);
	entries_drop(job->entries, job->count);
	free(job);
}

struct apply_job *apply_job_new(uint64_t first, uint64_t last, size_t count)
{
	check(first <= last && (count == 0 || count == last - first + 1));
	struct apply_job *job = memory_new(sizeof *job + count * sizeof job->entries[0]);
	job->first = first;
	job->last = last;
	job->count = count;
	return job;
}

void apply_job_free(struct apply_job *job)
{
	check(job->install == NULL);
	entries_drop(job->entries, job->count);
	free(job->directory);
	free(job);
}
