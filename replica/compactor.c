/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/compactor.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"

static uint64_t compactor_step_ms(const struct compactor *compactor)
{
	if (compactor->kind == REPLICA_COMPACT_BY_REVISIONS)
		return COMPACTOR_REVISIONS_MS;
	uint64_t part_ms = compactor->retention / COMPACTOR_PARTS;
	return part_ms < COMPACTOR_STEP_MS_MAX ? part_ms : COMPACTOR_STEP_MS_MAX;
}

static bool compactor_is_due(uint64_t *last_ns, uint64_t now_ns, uint64_t step_ms)
{
	if (*last_ns != 0 && now_ns - *last_ns < step_ms * CLOCK_NS_PER_MS)
		return false;
	*last_ns = now_ns;
	return true;
}

static int64_t compactor_by_time(const struct compactor *compactor, struct kv_view *view, int64_t wall_ns)
{
	int64_t revision = 0;
	enum err err = kv_revision_at(view, wall_ns - (int64_t)(compactor->retention * CLOCK_NS_PER_MS), &revision);
	return err == ERR_OK ? revision : 0; /* nothing is so old; or it was logged */
}

static int64_t compactor_by_revisions(const struct compactor *compactor, struct kv_view *view)
{
	int64_t revision = kv_view_revision(view);
	return compactor->retention < (uint64_t)revision ? revision - (int64_t)compactor->retention : 0;
}

/* What is not live, as far as the files tell. */
static int64_t compactor_shortened(struct compactor *compactor, struct kv_view *view, uint64_t steady_ns)
{
	struct kv_stats stats;
	if (compactor->quota_bytes == 0 ||
	    !compactor_is_due(&compactor->measured_ns, steady_ns, COMPACTOR_MEASURE_MS) ||
	    kv_stats(view, &stats) != ERR_OK)
		return 0;
	uint64_t most = stats.frame_bytes + (uint64_t)stats.value_bytes + COMPACTOR_QUOTAS * compactor->quota_bytes;
	if (stats.disk_bytes <= most)
		return 0;
	int64_t first = kv_view_compacted(view) > 0 ? kv_view_compacted(view) : 0, last = kv_view_revision(view);
	int64_t half = first + (last - first) / 2;
	log_warn("history_shortened",
	         "disk_bytes=%" PRIu64 " live_bytes=%" PRId64 " to=%" PRId64
	         " reason=\"history takes more than %d times the quota\" remedy=\"none is needed; "
	         "a larger --quota-backend-bytes keeps more\"",
	         stats.disk_bytes, stats.value_bytes, half, COMPACTOR_QUOTAS);
	return half;
}

int64_t compactor_target(struct compactor *compactor, struct kv_view *view, uint64_t steady_ns, int64_t wall_ns)
{
	int64_t target = 0;
	if (compactor->kind == REPLICA_COMPACT_NEVER || compactor->retention == 0)
		return 0;
	if (compactor_is_due(&compactor->looked_ns, steady_ns, compactor_step_ms(compactor)))
		target = compactor->kind == REPLICA_COMPACT_BY_TIME ? compactor_by_time(compactor, view, wall_ns)
		                                                    : compactor_by_revisions(compactor, view);
	int64_t shortened = compactor_shortened(compactor, view, steady_ns);
	if (shortened > target)
		target = shortened;
	return target > 1 && target > kv_view_compacted(view) ? target : 0;
}
