/* SPDX-License-Identifier: Apache-2.0 */
/* The rim towards the kernel: what each condition of ours is as an errno. */
#pragma once

#include "base/err.h"

/* A positive errno; 0 for ERR_OK. For a request that only reads. */
int rim_errno_of_read(enum err err);
/* For one that changes something: without a quorum EROFS if nothing can have happened, EIO if it may have. */
int rim_errno_of_write(enum err err);
