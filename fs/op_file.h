/* SPDX-License-Identifier: Apache-2.0 */
/* What op_create.c needs of op_file.c. */
#pragma once

#include "fs/call.h"

/* Makes call->handle on the regular file, emptied with O_TRUNC. */
enum verdict file_open(struct call *call, struct kv_view *view, struct node *node);
/* The call's end: a handle that was not handed to the kernel is freed. */
void file_end(struct call *call, int error);
