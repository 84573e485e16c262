/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/attr.h"

#include <sys/sysmacros.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/limits.h"

enum {
	ATTR_VERSION = 1,
	ATTR_FIXED_BYTES_MAX = 1 + 4 * 10 + 3 * 8 + 10 + 10,
	SECTOR_BYTES = 512, /* of st_blocks */
};

struct bytes attr_encode(const struct attr *attr, struct arena *arena)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, ATTR_FIXED_BYTES_MAX + attr->xattrs.size);
	buffer_put_u8(&buffer, ATTR_VERSION);
	buffer_put_varint(&buffer, attr->mode);
	buffer_put_varint(&buffer, attr->uid);
	buffer_put_varint(&buffer, attr->gid);
	buffer_put_varint(&buffer, attr->rdev);
	buffer_put_u64(&buffer, (uint64_t)attr->atime_ns);
	buffer_put_u64(&buffer, (uint64_t)attr->mtime_ns);
	buffer_put_u64(&buffer, (uint64_t)attr->ctime_ns);
	buffer_put_varint(&buffer, (uint64_t)attr->tree_revision);
	buffer_put_sized(&buffer, attr->xattrs);
	return arena_dup(arena, buffer_bytes(&buffer));
}

enum err attr_decode(struct bytes encoded, struct attr *ret_attr)
{
	struct cursor cursor = cursor_over(encoded);
	uint8_t version = cursor_u8(&cursor);
	if (version > ATTR_VERSION)
		return ERR_FORMAT_NEWER;
	struct attr attr = {.mode = (uint32_t)cursor_varint(&cursor)};
	attr.uid = (uint32_t)cursor_varint(&cursor);
	attr.gid = (uint32_t)cursor_varint(&cursor);
	attr.rdev = cursor_varint(&cursor);
	attr.atime_ns = (int64_t)cursor_u64(&cursor);
	attr.mtime_ns = (int64_t)cursor_u64(&cursor);
	attr.ctime_ns = (int64_t)cursor_u64(&cursor);
	attr.tree_revision = (int64_t)cursor_varint(&cursor);
	attr.xattrs = cursor_sized(&cursor);
	if (version == 0 || !cursor_is_done(&cursor))
		return ERR_CORRUPT;
	*ret_attr = attr;
	return ERR_OK;
}

static void attr_set_times(struct attr *attr, int64_t time_ns)
{
	attr->atime_ns = attr->mtime_ns = attr->ctime_ns = time_ns;
}

enum err attr_of_file(const struct kv_record *record, struct attr *ret_attr)
{
	struct attr attr = {.mode = ATTR_MODE_FILE};
	if (record->attr.size != 0) {
		enum err err = attr_decode(record->attr, &attr);
		if (err != ERR_OK)
			return err;
	}
	if (record->attr.size == 0 || record->attr_is_older)
		attr_set_times(&attr, record->time_ns);
	if (record->attr_is_older)
		attr.mtime_ns = attr.ctime_ns = record->time_ns;
	*ret_attr = attr;
	return ERR_OK;
}

enum err attr_of_directory(const struct kv_directory *directory, const struct kv_record *marker, struct attr *ret_attr)
{
	struct attr attr = {.mode = ATTR_MODE_DIRECTORY};
	bool has = marker && marker->attr.size != 0;
	if (has) {
		enum err err = attr_decode(marker->attr, &attr);
		if (err != ERR_OK)
			return err;
	}
	if (!has)
		attr_set_times(&attr, directory->changed_time_ns);
	int64_t since = attr.tree_revision != 0 ? attr.tree_revision : directory->create_revision;
	if (has && since < directory->changed_revision) {
		attr.mtime_ns = directory->changed_time_ns;
		if (attr.ctime_ns < directory->changed_time_ns)
			attr.ctime_ns = directory->changed_time_ns;
	}
	*ret_attr = attr;
	return ERR_OK;
}

static struct timespec timespec_of(int64_t time_ns)
{
	int64_t second = time_ns / (int64_t)CLOCK_NS_PER_S, rest = time_ns % (int64_t)CLOCK_NS_PER_S;
	if (rest < 0) {
		second--;
		rest += (int64_t)CLOCK_NS_PER_S;
	}
	return (struct timespec){.tv_sec = second, .tv_nsec = rest};
}

struct stat attr_stat(const struct attr *attr, uint64_t id, uint64_t size_bytes)
{
	uint64_t size = S_ISDIR(attr->mode) ? ATTR_BLOCK_BYTES : size_bytes;
	return (struct stat){
	    .st_ino = id,
	    .st_mode = attr->mode,
	    .st_nlink = 1,
	    .st_uid = attr->uid,
	    .st_gid = attr->gid,
	    .st_rdev = attr->rdev,
	    .st_size = (off_t)size,
	    .st_blksize = ATTR_BLOCK_BYTES,
	    .st_blocks = (blkcnt_t)((size + SECTOR_BYTES - 1) / SECTOR_BYTES),
	    .st_atim = timespec_of(attr->atime_ns),
	    .st_mtim = timespec_of(attr->mtime_ns),
	    .st_ctim = timespec_of(attr->ctime_ns),
	};
}
