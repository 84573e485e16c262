/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is told of names and nodes: what is committed, with what is staged here laid over it. */
#pragma once

#include "fs/call.h"

/* What is called `name` in the directory; ret_found->node is pinned. `anyway`: do not mind that names keep moving. */
enum verdict entry_find(struct fs *fs, struct kv_view *view, struct node *parent, const char *name, struct arena *arena,
                        struct call_found *ret_found) MUST_USE;
/* As entry_find(), for a child that a listing showed. */
enum verdict entry_of_object(struct fs *fs, struct kv_view *view, struct node *parent, struct bytes segment,
                             const struct object *object, struct call_found *ret_found) MUST_USE;
enum verdict entry_stat(struct fs *fs, struct kv_view *view, struct node *node, struct arena *arena,
                        struct stat *ret_stat) MUST_USE;
/* The same on a view of its own. */
enum verdict entry_stat_now(struct fs *fs, struct node *node, struct arena *arena, struct stat *ret_stat) MUST_USE;
/* Looks at call->nodes[at] and call->name (the last name that the call made), for the reply: 0 or an errno. */
int entry_made(struct call *call, size_t at, const char *name);
