/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog.h"

#include <stdlib.h>

#include "base/check.h"
#include "store/raftlog_private.h"

enum err raftlog_open(const struct raftlog_options *options, struct raftlog **ret_log, struct raftlog_state *ret_state)
{
	check(options->cluster_id != 0 && options->member_id != 0);
	enum err err = raftlog_recover(options, ret_log, ret_state);
	if (err == ERR_OK)
		raftlog_keeper_start(*ret_log);
	return err;
}

static void segments_free(struct raftlog *log, struct raftlog_deque *segments)
{
	for (size_t i = 0; i < segments->count; i++)
		raftlog_segment_free(&log->disk, *(struct raftlog_segment **)raftlog_deque_at(segments, i));
	raftlog_deque_fini(segments);
}

void raftlog_free(struct raftlog *log)
{
	segments_free(log, &log->segments);
	segments_free(log, &log->spares);
	raftlog_disk_close(&log->disk, &log->identity_file);
	raftlog_index_fini(&log->index);
	raftlog_cache_fini(&log->cache);
	while (mailbox_drain(log->keeper_mailbox, 0) != NULL)
		continue; /* the one letter is a part of the log */
	mailbox_free(log->keeper_mailbox);
	pthread_mutex_destroy(&log->identity_mutex);
	pthread_mutex_destroy(&log->mutex);
	free(log->identity_block);
	free(log->buffer);
	free(log->damage);
	free(log->disk.directory);
	free(log);
}

void raftlog_close(struct raftlog *log)
{
	if (log == NULL)
		return;
	raftlog_keeper_stop(log);
	if (log->damage == NULL) {
		enum err err = raftlog_identity_store(log, 1); /* so that the next start knows the whole log */
		(void)err; /* logged; it would only have been known a little better */
	}
	raftlog_free(log);
}

const char *raftlog_damage(const struct raftlog *log)
{
	return log->damage != NULL ? log->damage : "";
}
