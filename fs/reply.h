/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to the kernel, with the times for which it may keep them. */
#pragma once

#include "fs/call.h"

/* How long the kernel keeps names and attributes that are invalidated when they change (--reads=local); linearizable reads are asked
 * each time. */
#define REPLY_KEPT_S 3600.0

double reply_attr_timeout(const struct fs *fs);
struct fuse_entry_param reply_param(struct fs *fs, fuse_ino_t parent, const char *name, const struct call_found *found);
/* call->found, counted as a lookup of the kernel. */
void reply_entry(struct call *call, fuse_ino_t parent, const char *name);
void reply_attr(struct call *call, const struct stat *stat);
/* The call's finish for operations that answer nothing but an error. */
void reply_status(struct call *call, int error);
