/* SPDX-License-Identifier: Apache-2.0 */
/* create, mkdir, symlink, mknod. */
#include "fs/plan.h"

enum verdict plan_make(struct plan *plan, const struct spot *spot, const struct plan_make *make)
{
	if (spot->kind != SPOT_EMPTY)
		return VERDICT_EXISTS;
	if (!spot->can_make)
		return VERDICT_NAME_RESERVED;
	struct bytes key = make->kind == NOTE_MKDIR ? spot->directory_key : spot->file_key;
	plan_guard_parent(plan, spot);
	plan_guard_spot(plan, spot);
	plan_op(plan, KV_PUT)->put =
	    (struct kv_put){.key = key, .value = make->value, .attr = make->attr, .id = make->id};
	plan->note = (struct note){.kind = make->kind, .path = key};
	return VERDICT_GO;
}
