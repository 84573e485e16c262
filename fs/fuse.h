/* SPDX-License-Identifier: Apache-2.0 */
/* libfuse, at the version of its interface that fs/ is written for. */
#pragma once

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
