/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of the store. */
#include "store/view.h"

enum err kv_stats(struct kv_view *view, struct kv_stats *ret_stats)
{
	struct database *database = view->database;
	uint64_t frame_bytes = database_frame_bytes(database);
	*ret_stats = (struct kv_stats){
	    .keys = view->state.keys,
	    .value_bytes = view->state.value_bytes,
	    .disk_bytes = database_sum(database, "rocksdb.total-sst-files-size") + frame_bytes,
	    .frame_bytes = frame_bytes,
	    .memory_bytes = database_sum(database, "rocksdb.size-all-mem-tables") +
	                    database_sum(database, "rocksdb.estimate-table-readers-mem") +
	                    database_cache_bytes(view->memory),
	    .checksum = view->state.checksum,
	    .mark_index = view->state.mark_index,
	    .mark_checksum = view->state.mark_checksum,
	};
	return ERR_OK;
}
