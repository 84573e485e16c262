/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the raft role hands to the log and apply roles. A job owns a count on the blob of each of its entries.
 */
#pragma once

#include <sys/queue.h>

#include "base/bytes.h"
#include "replica/entry.h"

struct letter;

/* For the log role, in order. */
struct write_job {
	STAILQ_ENTRY(write_job) next;
	uint64_t write_id; /* 0: a trim or a reset */
	uint64_t term, vote, truncate_from;
	uint64_t trim_to; /* entries up to here are not needed any more */
	struct letter
	    *reset_to; /* the log is emptied, and begins after the letter's (index, term); then it is posted */
	size_t count;
	struct entry entries[];
};
STAILQ_HEAD(write_jobs, write_job);
struct write_job *write_job_new(size_t count); /* the entries are zeroed */
void write_job_free(struct write_job *job);

/* For the apply role, in order: entries first … last, or the installation of a snapshot. */
struct apply_job {
	STAILQ_ENTRY(apply_job) next;
	uint64_t first, last;
	size_t count; /* last - first + 1, or 0: to be read from the log */
	struct letter
	    *install; /* not NULL: its snapshot, which lies in the directory below; the letter is posted at the end */
	char *directory;
	struct entry entries[];
};
STAILQ_HEAD(apply_jobs, apply_job);
struct apply_job *apply_job_new(uint64_t first, uint64_t last, size_t count);
void apply_job_free(struct apply_job *job);
