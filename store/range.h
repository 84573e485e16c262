/* SPDX-License-Identifier: Apache-2.0 */
/* etcd's Range over a view, with the changes of a transaction under way laid over it. */
#pragma once

#include "store/scan.h"

struct range_options {
	struct kv_view *view;
	const struct scan_patch *patches; /* ascending; see scan.h */
	size_t patch_count;
};

enum err range_run(const struct range_options *options, const struct kv_range_request *request, struct arena *arena,
                   struct kv_response *ret_response) MUST_USE;

/* As kv_reading_new(), with view and request lent until kv_reading_free(). */
enum err reading_new_lent(struct kv_view *view, const struct kv_range_request *request,
                          struct kv_reading **ret_reading) MUST_USE;
/* As kv_reading_step(); *bytes: what is left of them. */
enum err reading_step(struct kv_reading *reading, size_t *bytes, struct arena *arena, struct kv_response *response,
                      bool *ret_done) MUST_USE;
