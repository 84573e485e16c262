/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of the store and of its members. */
#include "store/view.h"

enum err kv_stats(struct kv_view *view, struct kv_stats *ret_stats)
{
	struct database *database = view->database;
	*ret_stats = (struct kv_stats){
	    .keys = view->state.keys,
	    .value_bytes = view->state.value_bytes,
	    .disk_bytes = database_sum(database, "rocksdb.total-sst-files-size"),
	    .memory_bytes = database_sum(database, "rocksdb.size-all-mem-tables") +
	                    database_sum(database, "rocksdb.estimate-table-readers-mem") +
	                    database_cache_bytes(view->memory),
	    .checksum = view->state.checksum,
	    .mark_index = view->state.mark_index,
	    .mark_checksum = view->state.mark_checksum,
	};
	return ERR_OK;
}

enum err kv_members(struct kv_view *view, struct arena *arena, struct kv_member_list *ret_list)
{
	struct kv_member_list list = {0};
	size_t capacity = 0;
	enum err err = ERR_OK;
	struct walk walk;
	view_walk(view, FAMILY_META, BYTES_NONE, &walk);
	for (walk_seek(&walk, layout_members()); err == ERR_OK && walk_at_row(&walk); walk_next(&walk)) {
		if (!bytes_have_prefix(walk_key(&walk), layout_members()))
			break;
		if (list.count == capacity) {
			capacity = capacity != 0 ? capacity * 2 : 8;
			struct kv_member *members = arena_take(arena, capacity * sizeof *members);
			if (list.count != 0)
				memcpy(members, list.members, list.count * sizeof *members);
			list.members = members;
		}
		err = row_member_decode(walk_value(&walk), arena, &list.members[list.count]);
		list.count++;
	}
	if (err == ERR_OK)
		err = walk_err(&walk);
	walk_close(&walk);
	if (err == ERR_OK)
		*ret_list = list;
	return err;
}
