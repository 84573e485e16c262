/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mode.h"

#include "base/clock.h"

enum { MODE_PERMISSIONS = 07777 };

uint32_t mode_after_write(uint32_t mode)
{
	mode &= ~(uint32_t)S_ISUID;
	if (mode & S_IXGRP)
		mode &= ~(uint32_t)S_ISGID;
	return mode;
}

static int64_t ns_of(struct timespec time)
{
	return time.tv_sec * (int64_t)CLOCK_NS_PER_S + time.tv_nsec;
}

void mode_set_attr(struct attr *attr, const struct stat *asked, int to_set, int64_t now_ns)
{
	if (to_set & FUSE_SET_ATTR_MODE)
		attr->mode = (attr->mode & S_IFMT) | (asked->st_mode & MODE_PERMISSIONS);
	if (to_set & FUSE_SET_ATTR_UID)
		attr->uid = asked->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		attr->gid = asked->st_gid;
	/* chown(2): the bits go unless the same call says otherwise. */
	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID) && !(to_set & FUSE_SET_ATTR_MODE) && S_ISREG(attr->mode))
		attr->mode = mode_after_write(attr->mode);
	if (to_set & FUSE_SET_ATTR_ATIME)
		attr->atime_ns = to_set & FUSE_SET_ATTR_ATIME_NOW ? now_ns : ns_of(asked->st_atim);
	if (to_set & FUSE_SET_ATTR_MTIME)
		attr->mtime_ns = to_set & FUSE_SET_ATTR_MTIME_NOW ? now_ns : ns_of(asked->st_mtim);
	attr->ctime_ns = now_ns;
}

struct attr mode_new_attr(const struct mode_new *new, const struct attr *parent)
{
	struct attr attr = {
	    .mode = new->mode,
	    .uid = new->uid,
	    .gid = new->gid,
	    .rdev = new->rdev,
	    .atime_ns = new->now_ns,
	    .mtime_ns = new->now_ns,
	    .ctime_ns = new->now_ns,
	};
	if (parent->mode & S_ISGID) {
		attr.gid = parent->gid;
		if (S_ISDIR(attr.mode))
			attr.mode |= S_ISGID;
	}
	return attr;
}
