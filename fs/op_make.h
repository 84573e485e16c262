/* SPDX-License-Identifier: Apache-2.0 */
/* What op_make.c and op_create.c share. */
#pragma once

#include "fs/call.h"

/* The plan of a new object as make_fill() described it. */
enum verdict make_plan(struct call *call, struct kv_view *view, struct plan *plan);
/* Owner and group are the caller's. */
void make_fill(struct call *call, const char *name, uint32_t mode, enum note_kind kind);
