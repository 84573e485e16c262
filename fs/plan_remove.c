/* SPDX-License-Identifier: Apache-2.0 */
/* unlink and rmdir. */
#include "fs/plan.h"

static void plan_delete(struct plan *plan, const struct spot *spot, enum note_kind kind)
{
	plan_guard_spot(plan, spot);
	plan_op(plan, KV_DELETE)->del = (struct kv_delete){.range = {.start = spot->object.key}};
	plan_keep_parent(plan, spot);
	plan->note = (struct note){.kind = kind, .path = spot->object.key};
}

enum verdict plan_unlink(struct plan *plan, const struct spot *spot)
{
	if (spot->kind == SPOT_EMPTY)
		return VERDICT_ABSENT;
	if (spot->kind == SPOT_DIRECTORY)
		return VERDICT_IS_DIRECTORY;
	plan_delete(plan, spot, NOTE_UNLINK);
	return VERDICT_GO;
}

enum verdict plan_rmdir(struct plan *plan, const struct spot *spot)
{
	if (spot->kind == SPOT_EMPTY)
		return VERDICT_ABSENT;
	if (spot->kind == SPOT_FILE)
		return VERDICT_NOT_DIRECTORY;
	if (spot->object.directory.children > 0)
		return VERDICT_NOT_EMPTY;
	plan_guard_no_children(plan, spot->object.key);
	plan_delete(plan, spot, NOTE_RMDIR);
	return VERDICT_GO;
}
