/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/reports.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/memory.h"

struct reports {
	pthread_mutex_t mutex; /* guards all below; a leaf */
	struct report reports[LIMIT_MEMBERS];
	size_t count;
};

struct reports *reports_new(void)
{
	struct reports *reports = memory_new(sizeof *reports);
	pthread_mutex_init(&reports->mutex, NULL);
	return reports;
}

void reports_free(struct reports *reports)
{
	if (reports == NULL)
		return;
	pthread_mutex_destroy(&reports->mutex);
	free(reports);
}

struct report report_of(uint64_t member, const Peer__Status *status, uint64_t commit)
{
	struct report report = {
	    .member = member,
	    .heard_ns = clock_steady_ns(),
	    .heard_wall_ns = clock_wall_ns(),
	    .started_ns = status->started_ns,
	    .revision = status->revision,
	    .term = status->term,
	    .commit = status->commit,
	    .commit_here = commit,
	    .applied = status->applied,
	    .first_index = status->first_index,
	    .last_index = status->last_index,
	    .leader = status->leader,
	    .store_bytes = status->store_bytes,
	    .log_bytes = status->log_bytes,
	    .keys = status->keys,
	    .memory_bytes = status->memory_bytes,
	    .snapshot_done_bytes = status->snapshot_done_bytes,
	    .snapshot_total_bytes = status->snapshot_total_bytes,
	    .role = (int)status->role,
	};
	snprintf(report.version, sizeof report.version, "%s", status->version);
	for (size_t i = 0; i < status->n_marks && i < REPORT_MARKS; i++)
		report.marks[report.mark_count++] =
		    (struct report_mark){status->marks[i]->index, status->marks[i]->checksum};
	return report;
}

/* Its slot, or a new one, or NULL when there is none left. The mutex is held. */
static struct report *reports_slot(struct reports *reports, uint64_t member)
{
	for (size_t i = 0; i < reports->count; i++)
		if (reports->reports[i].member == member)
			return &reports->reports[i];
	return reports->count < LIMIT_MEMBERS ? &reports->reports[reports->count++] : NULL;
}

void reports_heard(struct reports *reports, uint64_t member, const Peer__Status *status, uint64_t commit)
{
	struct report report = report_of(member, status, commit);
	pthread_mutex_lock(&reports->mutex);
	struct report *slot = reports_slot(reports, member);
	if (slot != NULL)
		*slot = report;
	pthread_mutex_unlock(&reports->mutex);
}

static bool report_is_of(const struct report *report, const uint64_t *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (members[i] == report->member)
			return true;
	return false;
}

void reports_keep(struct reports *reports, const uint64_t *members, size_t count)
{
	size_t kept = 0;
	pthread_mutex_lock(&reports->mutex);
	for (size_t i = 0; i < reports->count; i++)
		if (report_is_of(&reports->reports[i], members, count))
			reports->reports[kept++] = reports->reports[i];
	reports->count = kept;
	pthread_mutex_unlock(&reports->mutex);
}

size_t reports_all(struct reports *reports, struct arena *arena, struct report **ret_reports)
{
	pthread_mutex_lock(&reports->mutex);
	size_t count = reports->count;
	struct report *copies = arena_zero(arena, count, sizeof *copies);
	memcpy(copies, reports->reports, count * sizeof *copies);
	pthread_mutex_unlock(&reports->mutex);
	*ret_reports = copies;
	return count;
}

bool reports_find(struct reports *reports, uint64_t member, struct report *ret_report)
{
	bool found = false;
	pthread_mutex_lock(&reports->mutex);
	for (size_t i = 0; i < reports->count && !found; i++) {
		found = reports->reports[i].member == member;
		if (found)
			*ret_report = reports->reports[i];
	}
	pthread_mutex_unlock(&reports->mutex);
	return found;
}

static bool report_has(const struct report *report, struct report_mark mark)
{
	for (size_t i = 0; i < report->mark_count; i++)
		if (report->marks[i].index == mark.index && report->marks[i].checksum == mark.checksum)
			return true;
	return false;
}

/* What a member says, this one's marks among them. False: nothing is known. */
static bool jury_report(struct reports *reports, const struct report_jury *jury, uint64_t member,
                        struct report *ret_report)
{
	if (member != jury->self)
		return reports_find(reports, member, ret_report);
	*ret_report = (struct report){.member = member, .mark_count = jury->mark_count};
	memcpy(ret_report->marks, jury->marks, jury->mark_count * sizeof *jury->marks);
	return true;
}

/* How many of the voters but the accused say exactly this. */
static size_t jury_tally(struct reports *reports, const struct report_jury *jury, uint64_t accused,
                         struct report_mark mark)
{
	size_t count = 0;
	struct report report = {0};
	for (size_t i = 0; i < jury->voter_count; i++)
		if (jury->voters[i] != accused && jury_report(reports, jury, jury->voters[i], &report) &&
		    report_has(&report, mark))
			count++;
	return count;
}

/* A majority says something else of the mark's index, all the same. */
static bool jury_contradicts(struct reports *reports, const struct report_jury *jury, uint64_t accused,
                             struct report_mark mark)
{
	struct report report = {0};
	for (size_t i = 0; i < jury->voter_count; i++) {
		if (jury->voters[i] == accused || !jury_report(reports, jury, jury->voters[i], &report))
			continue;
		for (size_t j = 0; j < report.mark_count; j++) {
			if (report.marks[j].index != mark.index || report.marks[j].checksum == mark.checksum)
				continue;
			if (jury_tally(reports, jury, accused, report.marks[j]) > jury->voter_count / 2)
				return true;
		}
	}
	return false;
}

bool reports_contradict(struct reports *reports, const struct report_jury *jury, uint64_t accused, uint64_t *ret_index)
{
	struct report said = {0};
	if (!jury_report(reports, jury, accused, &said))
		return false;
	for (size_t i = 0; i < said.mark_count; i++) {
		if (jury_contradicts(reports, jury, accused, said.marks[i])) {
			*ret_index = said.marks[i].index;
			return true;
		}
	}
	return false;
}
