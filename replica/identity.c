/* SPDX-License-Identifier: Apache-2.0 */
#include "replica/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

enum {
	IDENTITY_MAGIC = 0x64494545, /* "EEId" */
	/* 2: the number of the directory, more flags, and contacts. */
	IDENTITY_VERSION = 2,
	IDENTITY_BYTES_MAX = 8 << 20, /* two lists of LIMIT_MEMBERS at their longest, and then some */
	IDENTITY_PID_BYTES_MAX = 32,
};

/* In the byte in which version 1 had FORMED alone. */
enum {
	IDENTITY_FORMED = 1,
	IDENTITY_JOINED = 2,
	IDENTITY_CONFIRMED = 4,
	IDENTITY_REMOVED = 8,
	IDENTITY_FLAGS = 15,
};

/* ---- the lock ---- */

static enum err identity_locked(int fd, const char *path)
{
	char pid[IDENTITY_PID_BYTES_MAX + 1] = "";
	ssize_t size = pread(fd, pid, IDENTITY_PID_BYTES_MAX, 0);
	pid[size > 0 ? size : 0] = 0;
	log_error("data_directory_locked",
	          "path=%s reason=\"another process uses it\" pid=%.*s remedy=\"stop that process, or use another data "
	          "directory\"",
	          path, (int)strcspn(pid, "\n"), pid);
	return ERR_LOCKED;
}

enum err identity_lock(const char *data_directory, int *ret_lock)
{
	enum err err = file_make_directory(data_directory, 0700);
	if (err != ERR_OK)
		return err;
	AUTO_FREE char *path = memory_format("%s/lock", data_directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		int error = errno;
		log_error("file_failed", "call=open path=%s error=\"%s\"", path, strerror(error));
		return err_from_errno(error);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		err = identity_locked(fd, path);
		close(fd);
		return err;
	}
	char pid[IDENTITY_PID_BYTES_MAX];
	int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size) {
		int error = errno;
		log_error("file_failed", "call=write path=%s error=\"%s\"", path, strerror(error));
		close(fd);
		return err_from_errno(error);
	}
	*ret_lock = fd;
	return ERR_OK;
}

/* ---- deriving ---- */

/* The first eight bytes of SHA-256; 0 stands for none, so it is never the answer. */
static uint64_t identity_hash(struct bytes content)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	int done = EVP_Digest(content.data, content.size, digest, &size, EVP_sha256(), NULL);
	check(done == 1 && size >= 8);
	uint64_t hash = 0;
	for (int i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	return hash != 0 ? hash : 1;
}

static uint64_t identity_member_id(const char *url, const char *token)
{
	AUTO_FREE char *text = memory_format("%s\n%s", url, token);
	return identity_hash(bytes_of_string(text));
}

static uint64_t identity_cluster_id(const struct identity *identity)
{
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, LIMIT_MEMBERS * sizeof(uint64_t));
	for (size_t i = 0; i < identity->member_count; i++)
		buffer_put_u64_be(&buffer, identity->members[i].id);
	return identity_hash(buffer_bytes(&buffer));
}

static int identity_compare_members(const void *left, const void *right)
{
	const struct kv_member *one = left, *other = right;
	return one->id < other->id ? -1 : one->id > other->id;
}

static enum err identity_contradiction(const char *what, const char *thing)
{
	log_error("initial_cluster_invalid", "reason=\"%s\" thing=%s remedy=\"correct the initial cluster\"", what,
	          thing);
	return ERR_INVALID;
}

static enum err identity_check_peers(const struct replica_options *options)
{
	if (options->initial_count == 0 || options->initial_count > LIMIT_MEMBERS)
		return identity_contradiction("it has no members, or too many", options->name);
	for (size_t i = 0; i < options->initial_count; i++)
		for (size_t j = 0; j < i; j++) {
			if (strcmp(options->initial_cluster[i].name, options->initial_cluster[j].name) == 0)
				return identity_contradiction("a name stands in it twice",
				                              options->initial_cluster[i].name);
			if (strcmp(options->initial_cluster[i].url, options->initial_cluster[j].url) == 0)
				return identity_contradiction("a URL stands in it twice",
				                              options->initial_cluster[i].url);
		}
	return ERR_OK;
}

enum err identity_derive(const struct replica_options *options, struct arena *arena, struct identity *ret_identity)
{
	enum err err = identity_check_peers(options);
	if (err != ERR_OK)
		return err;
	struct identity identity = {.name = options->name, .member_count = options->initial_count};
	identity.token = identity_hash(bytes_of_string(options->cluster_token));
	identity.members = arena_zero(arena, options->initial_count, sizeof *identity.members);
	for (size_t i = 0; i < options->initial_count; i++) {
		const struct replica_peer *peer = &options->initial_cluster[i];
		uint64_t id = identity_member_id(peer->url, options->cluster_token);
		identity.members[i] =
		    (struct kv_member){.id = id, .name = peer->name, .peer_urls = peer->url, .client_urls = ""};
		if (strcmp(peer->name, options->name) == 0)
			identity.member = id;
	}
	if (identity.member == 0)
		return identity_contradiction("this node's name is not in it", options->name);
	qsort(identity.members, identity.member_count, sizeof *identity.members, identity_compare_members);
	identity.cluster = identity_cluster_id(&identity);
	identity.directory = random_from_system();
	identity.confirmed = identity.member_count == 1; /* nobody else could know */
	*ret_identity = identity;
	return ERR_OK;
}

/* ---- the file ---- */

static bool identity_path_exists(const char *data_directory, const char *name)
{
	AUTO_FREE char *path = memory_format("%s/%s", data_directory, name);
	return access(path, F_OK) == 0;
}

static enum err identity_broken(enum err err, const char *path, const char *reason)
{
	log_error("identity_unusable", "path=%s reason=\"%s\" remedy=\"%s\"", path, reason,
	          err == ERR_FORMAT_NEWER
	              ? "use the newer version of the program"
	              : "restore the file, or replace this member by one with an empty data directory");
	return err;
}

static void identity_parse_flags(struct cursor *cursor, uint32_t version, struct identity *identity)
{
	uint8_t flags = cursor_u8(cursor);
	cursor->bad |= (flags & ~IDENTITY_FLAGS) != 0;
	identity->formed = (flags & IDENTITY_FORMED) != 0;
	identity->joined = (flags & IDENTITY_JOINED) != 0;
	identity->confirmed = (flags & IDENTITY_CONFIRMED) != 0;
	identity->removed = (flags & IDENTITY_REMOVED) != 0;
	if (version > 1) {
		identity->directory = cursor_u64(cursor);
		return;
	}
	/* It took part without being asked, and the directory gets its number now. */
	identity->confirmed = identity->formed;
	identity->directory = random_from_system();
}

static struct kv_member *identity_parse_members(struct cursor *cursor, struct arena *arena, size_t *ret_count)
{
	uint64_t count = cursor_varint(cursor);
	cursor->bad |= count > LIMIT_MEMBERS;
	if (cursor->bad)
		return NULL;
	struct kv_member *members = arena_zero(arena, count, sizeof *members);
	for (size_t i = 0; i < count; i++) {
		members[i].id = cursor_u64(cursor);
		members[i].name = arena_dup_string(arena, cursor_sized(cursor));
		members[i].peer_urls = arena_dup_string(arena, cursor_sized(cursor));
		members[i].client_urls = "";
	}
	*ret_count = count;
	return members;
}

static enum err identity_parse(struct bytes content, const char *path, struct arena *arena, struct identity *identity)
{
	struct cursor cursor = cursor_over(content);
	uint32_t magic = cursor_u32(&cursor), version = cursor_u32(&cursor);
	if (!cursor.bad && magic == IDENTITY_MAGIC && version > IDENTITY_VERSION)
		return identity_broken(ERR_FORMAT_NEWER, path, "it was written by a newer version");
	if (content.size < 4 || cursor.bad || magic != IDENTITY_MAGIC)
		return identity_broken(ERR_CORRUPT, path, "it is not an identity");
	struct cursor tail = cursor_over(bytes_from(content, content.size - 4));
	if (cursor_u32(&tail) != crc32c(0, bytes_of(content.data, content.size - 4)))
		return identity_broken(ERR_CORRUPT, path, "its checksum is wrong");
	identity->cluster = cursor_u64(&cursor);
	identity->member = cursor_u64(&cursor);
	identity->token = cursor_u64(&cursor);
	identity->boot = cursor_u64(&cursor);
	identity->promised_ms = cursor_u32(&cursor);
	identity_parse_flags(&cursor, version, identity);
	identity->name = arena_dup_string(arena, cursor_sized(&cursor));
	identity->members = identity_parse_members(&cursor, arena, &identity->member_count);
	if (version > 1)
		identity->contacts = identity_parse_members(&cursor, arena, &identity->contact_count);
	return cursor.bad || cursor.rest.size != 4 ? identity_broken(ERR_CORRUPT, path, "it is cut off") : ERR_OK;
}

enum err identity_load(const char *data_directory, struct arena *arena, struct identity *ret_identity)
{
	AUTO_FREE char *path = memory_format("%s/identity", data_directory);
	struct bytes content = BYTES_NONE;
	enum err err = file_read(path, IDENTITY_BYTES_MAX, arena, &content);
	if (err == ERR_NOT_FOUND) {
		if (identity_path_exists(data_directory, "log") || identity_path_exists(data_directory, "store"))
			return identity_broken(ERR_DAMAGED, path, "it is missing, though data is there");
		return ERR_NOT_FOUND;
	}
	if (err == ERR_TOO_LARGE)
		return identity_broken(ERR_CORRUPT, path, "it is too large");
	if (err != ERR_OK)
		return err;
	struct identity identity = {0};
	err = identity_parse(content, path, arena, &identity);
	if (err == ERR_OK)
		*ret_identity = identity;
	return err;
}

static void identity_put_members(struct buffer *buffer, const struct kv_member *members, size_t count)
{
	check(count <= LIMIT_MEMBERS);
	buffer_put_varint(buffer, count);
	for (size_t i = 0; i < count; i++) {
		buffer_put_u64(buffer, members[i].id);
		buffer_put_sized(buffer, bytes_of_string(members[i].name));
		buffer_put_sized(buffer, bytes_of_string(members[i].peer_urls));
	}
}

enum err identity_save(const char *data_directory, const struct identity *identity)
{
	AUTO_FREE char *path = memory_format("%s/identity", data_directory);
	AUTO_BUFFER struct buffer buffer;
	buffer_init(&buffer, IDENTITY_BYTES_MAX);
	int flags = (identity->formed ? IDENTITY_FORMED : 0) | (identity->joined ? IDENTITY_JOINED : 0) |
	            (identity->confirmed ? IDENTITY_CONFIRMED : 0) | (identity->removed ? IDENTITY_REMOVED : 0);
	buffer_put_u32(&buffer, IDENTITY_MAGIC);
	buffer_put_u32(&buffer, IDENTITY_VERSION);
	buffer_put_u64(&buffer, identity->cluster);
	buffer_put_u64(&buffer, identity->member);
	buffer_put_u64(&buffer, identity->token);
	buffer_put_u64(&buffer, identity->boot);
	buffer_put_u32(&buffer, identity->promised_ms);
	buffer_put_u8(&buffer, (uint8_t)flags);
	buffer_put_u64(&buffer, identity->directory);
	buffer_put_sized(&buffer, bytes_of_string(identity->name));
	identity_put_members(&buffer, identity->members, identity->member_count);
	identity_put_members(&buffer, identity->contacts, identity->contact_count);
	buffer_put_u32(&buffer, crc32c(0, buffer_bytes(&buffer)));
	return file_replace(path, buffer_bytes(&buffer), 0600);
}

/* ---- the check ---- */

void identity_say_removed(const char *data_directory, const struct identity *identity)
{
	log_error("removed",
	          "path=%s name=%s member=%016" PRIx64 " reason=\"this member was removed from the cluster, for ever\" "
	          "remedy=\"to come back it joins as a new member: give --join URL and an empty data directory\"",
	          data_directory, identity->name, identity->member);
}

static bool identity_shares_a_member(const struct identity *one, const struct identity *other)
{
	for (size_t i = 0; i < one->member_count; i++)
		for (size_t j = 0; j < other->member_count; j++)
			if (one->members[i].id == other->members[j].id)
				return true;
	return false;
}

/* One that joined names no cluster when it starts again: nothing is given that could contradict. */
static bool identity_names_its_cluster(const struct identity *stored, const struct identity *derived)
{
	if (stored->joined && derived->member_count == 1)
		return true;
	return stored->token == derived->token && identity_shares_a_member(stored, derived);
}

enum err identity_check(const char *data_directory, const struct identity *stored, const struct identity *derived)
{
	if (stored->removed) {
		identity_say_removed(data_directory, stored);
		return ERR_REMOVED;
	}
	if (!identity_names_its_cluster(stored, derived)) {
		log_error("wrong_cluster",
		          "path=%s reason=\"the data directory belongs to another cluster\" stored=%016" PRIx64
		          " given=%016" PRIx64
		          " remedy=\"give the initial cluster and token of the cluster that it belongs to, or use an "
		          "empty data "
		          "directory\"",
		          data_directory, stored->cluster, derived->cluster);
		return ERR_WRONG_CLUSTER;
	}
	if (strcmp(stored->name, derived->name) != 0) {
		log_error("wrong_member",
		          "path=%s reason=\"the data directory belongs to another member\" stored=%s given=%s "
		          "remedy=\"start it under the name that is stored, or use another data "
		          "directory\"",
		          data_directory, stored->name, derived->name);
		return ERR_WRONG_MEMBER;
	}
	if (stored->cluster != derived->cluster && !stored->joined)
		log_warn("initial_cluster_ignored", "path=%s reason=\"the data directory knows its members\"",
		         data_directory);
	return ERR_OK;
}
