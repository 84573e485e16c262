/* SPDX-License-Identifier: Apache-2.0 */
/* What POSIX says of the attributes of new and of changed files. */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/fuse.h"

/* A write takes the suid bit, and the sgid bit of what the group may execute. */
uint32_t mode_after_write(uint32_t mode);
/* Applies what setattr asks (FUSE_SET_ATTR_…, but size). */
void mode_set_attr(struct attr *attr, const struct stat *asked, int to_set, int64_t now_ns);

struct mode_new {
	uint32_t mode; /* with type */
	uint32_t uid, gid;
	uint64_t rdev;
	int64_t now_ns;
};
/* In a directory with the sgid bit the group is the directory's, and a new directory gets the bit. */
struct attr mode_new_attr(const struct mode_new *new, const struct attr *parent);
