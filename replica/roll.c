/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/roll.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"

enum {
	ROLL_MAGIC = 0x6c6c7245, /* "Erll" */
	ROLL_VERSION = 1,
	ROLL_BYTES_MAX = 4 + 4 + 4 + LIMIT_MEMBERS * 16 + 4,
};

struct roll_peer {
	uint64_t id, directory;
};

struct roll {
	char *path;
	pthread_mutex_t mutex; /* guards all below, and the file; a leaf that is held while the file is written */
	struct roll_peer peers[LIMIT_MEMBERS];
	size_t count;
};

static enum err roll_broken(enum err err, const char *path, const char *reason)
{
	log_error("peers_unusable", "path=%s reason=\"%s\" remedy=\"%s\"", path, reason,
	          err == ERR_FORMAT_NEWER ? "use the newer version of the program"
	                                  : "restore the file; if no other member has lost its data directory since, "
	                                    "it can be removed");
	return err;
}

static enum err roll_parse(struct roll *roll, struct bytes content)
{
	struct cursor cursor = cursor_over(content);
	uint32_t magic = cursor_u32(&cursor), version = cursor_u32(&cursor), count = cursor_u32(&cursor);
	if (!cursor.bad && magic == ROLL_MAGIC && version > ROLL_VERSION)
		return roll_broken(ERR_FORMAT_NEWER, roll->path, "it was written by a newer version");
	cursor.bad |= magic != ROLL_MAGIC || version != ROLL_VERSION || count > LIMIT_MEMBERS;
	for (uint32_t i = 0; i < count && !cursor.bad; i++) {
		roll->peers[i].id = cursor_u64(&cursor);
		roll->peers[i].directory = cursor_u64(&cursor);
	}
	uint32_t crc = cursor_u32(&cursor);
	if (!cursor_is_done(&cursor) || crc != crc32c(0, bytes_of(content.data, content.size - sizeof crc)))
		return roll_broken(ERR_CORRUPT, roll->path, "it is not whole");
	roll->count = count;
	return ERR_OK;
}

enum err roll_open(const char *data_directory, struct roll **ret_roll)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	struct bytes content = BYTES_NONE;
	struct roll *roll = memory_new(sizeof *roll);
	roll->path = memory_format("%s/peers", data_directory);
	pthread_mutex_init(&roll->mutex, NULL);
	enum err err = file_read(roll->path, ROLL_BYTES_MAX, &arena, &content);
	if (err == ERR_TOO_LARGE)
		err = roll_broken(ERR_CORRUPT, roll->path, "it is too large");
	else if (err == ERR_NOT_FOUND)
		err = ERR_OK;
	else if (err == ERR_OK)
		err = roll_parse(roll, content);
	if (err != ERR_OK) {
		roll_close(roll);
		return err;
	}
	*ret_roll = roll;
	return ERR_OK;
}

void roll_close(struct roll *roll)
{
	if (roll == NULL)
		return;
	pthread_mutex_destroy(&roll->mutex);
	free(roll->path);
	free(roll);
}

/* The mutex is held. */
static enum err roll_save(const struct roll *roll)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, ROLL_BYTES_MAX);
	buffer_put_u32(&buffer, ROLL_MAGIC);
	buffer_put_u32(&buffer, ROLL_VERSION);
	buffer_put_u32(&buffer, (uint32_t)roll->count);
	for (size_t i = 0; i < roll->count; i++) {
		buffer_put_u64(&buffer, roll->peers[i].id);
		buffer_put_u64(&buffer, roll->peers[i].directory);
	}
	buffer_put_u32(&buffer, crc32c(0, buffer_bytes(&buffer)));
	return file_replace(roll->path, buffer_bytes(&buffer), 0600);
}

/* NULL: it is not on the roll. The mutex is held. */
static struct roll_peer *roll_peer(struct roll *roll, uint64_t id)
{
	for (size_t i = 0; i < roll->count; i++)
		if (roll->peers[i].id == id)
			return &roll->peers[i];
	return NULL;
}

uint64_t roll_find(struct roll *roll, uint64_t id)
{
	pthread_mutex_lock(&roll->mutex);
	const struct roll_peer *peer = roll_peer(roll, id);
	uint64_t directory = peer != NULL ? peer->directory : 0;
	pthread_mutex_unlock(&roll->mutex);
	return directory;
}

/* The mutex is held. */
static enum err roll_add(struct roll *roll, uint64_t id, uint64_t directory)
{
	if (roll->count == LIMIT_MEMBERS) {
		log_error("peers_full",
		          "path=%s peer=%016" PRIx64 " remedy=\"remove members that are not used any more\"",
		          roll->path, id);
		return ERR_LIMIT;
	}
	roll->peers[roll->count++] = (struct roll_peer){id, directory};
	enum err err = roll_save(roll);
	if (err != ERR_OK)
		roll->count--;
	return err;
}

enum err roll_note(struct roll *roll, uint64_t id, uint64_t directory)
{
	pthread_mutex_lock(&roll->mutex);
	const struct roll_peer *peer = roll_peer(roll, id);
	enum err err = ERR_OK;
	if (peer == NULL)
		err = roll_add(roll, id, directory);
	else if (peer->directory != directory)
		err = ERR_EXISTS;
	pthread_mutex_unlock(&roll->mutex);
	return err;
}

void roll_forget(struct roll *roll, uint64_t id)
{
	pthread_mutex_lock(&roll->mutex);
	struct roll_peer *peer = roll_peer(roll, id);
	if (peer != NULL) {
		*peer = roll->peers[--roll->count];
		enum err err = roll_save(roll);
		(void)err; /* logged; a line too many does no harm */
	}
	pthread_mutex_unlock(&roll->mutex);
}
