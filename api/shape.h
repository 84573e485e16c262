/* SPDX-License-Identifier: Apache-2.0 */
/* The store's records and changes in the shape of the control protocol's messages. Everything lives in the arena. */
#pragma once

#include "api/control.h"
#include "store/kv.h"

char *shape_id(uint64_t id, struct arena *arena);                            /* hexadecimal; "" for 0 */
char *shape_time(int64_t time_ns, struct arena *arena);                      /* RFC 3339, UTC; "" for 0 */
char *shape_string(const char *text, struct arena *arena);                   /* "" for NULL */
char **shape_urls(const char *urls, size_t *ret_count, struct arena *arena); /* the parts between commas */

enum shape_values { SHAPE_WITH_VALUES, SHAPE_WITHOUT_VALUES };

/* Borrows key and value of the record. */
Etcfs__Control__Record *shape_record(const struct kv_record *record, enum shape_values values, struct arena *arena);
/* Borrows the record. */
Etcfs__Control__Event *shape_event(const struct kv_event *event, enum shape_values values, struct arena *arena);
/* Without events. The proposer's name is looked up in the view. */
Etcfs__Control__Change *shape_change(struct kv_view *view, const struct kv_change *change, struct arena *arena);
