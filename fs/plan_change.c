/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and content of what exists. */
#include "fs/plan.h"

enum verdict plan_attr(struct plan *plan, const struct object *object, const struct attr *attr)
{
	if (!object->is_root)
		plan_guard(plan, object->key, KV_ID, (int64_t)object_id(object));
	plan_guard(plan, object->key, KV_MOD, object->has_record ? object->record.mod_revision : 0);
	plan_op(plan, KV_PUT)->put = (struct kv_put){
	    .key = object->key,
	    .attr = attr_encode(attr, plan->arena),
	    .id =
	        object->has_record || object->is_root ? 0 : object->directory.id, /* it and its marker are one object */
	    .keep_value = object->has_record,
	    .keep_lease = object->has_record,
	};
	plan->note = (struct note){.kind = NOTE_ATTR, .path = object->key};
	return VERDICT_GO;
}

enum verdict plan_content(struct plan *plan, const struct object *object, const struct plan_content *content)
{
	if (object->is_directory)
		return VERDICT_IS_DIRECTORY;
	plan_guard(plan, object->key, KV_ID, (int64_t)object_id(object));
	plan_guard(plan, object->key, KV_MOD, object->record.mod_revision);
	plan_op(plan, KV_PUT)->put =
	    (struct kv_put){.key = object->key, .value = content->value, .attr = content->attr, .keep_lease = true};
	plan->note = (struct note){.kind = content->kind, .path = object->key};
	return VERDICT_GO;
}
