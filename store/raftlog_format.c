/* SPDX-License-Identifier: Apache-2.0 */
#include "store/raftlog_format.h"

#include <endian.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/cursor.h"

/* A sealed block: magic, version, the bytes that the checksum covers, the fields, the checksum. */
enum {
	SEAL_HEAD_BYTES = 16,
	SEAL_CHECKSUM_BYTES = 4,
	BATCH_TYPE = 0x48435442, /* "BTCH" */
	ENTRY_TYPE = 0x59544e45, /* "ENTY" */
	BATCH_SUM_AT = RAFTLOG_BATCH_BYTES - 4,
	ENTRY_SUM_AT = RAFTLOG_ENTRY_BYTES - 4,
	ENTRY_LENGTH_AT = 36,
};
#define IDENTITY_MAGIC UINT64_C(0x31444953464354e5)
#define HEADER_MAGIC UINT64_C(0x314745534643544c)

static void pen_u32(uint8_t **pen, uint32_t value)
{
	value = htole32(value);
	memcpy(*pen, &value, sizeof value);
	*pen += sizeof value;
}

static void pen_u64(uint8_t **pen, uint64_t value)
{
	value = htole64(value);
	memcpy(*pen, &value, sizeof value);
	*pen += sizeof value;
}

static uint32_t u32_at(const uint8_t *data)
{
	uint32_t value;
	memcpy(&value, data, sizeof value);
	return le32toh(value);
}

static uint8_t *seal_begin(uint8_t *block, uint64_t magic)
{
	memset(block, 0, RAFTLOG_BLOCK_BYTES);
	uint8_t *pen = block;
	pen_u64(&pen, magic);
	pen_u32(&pen, RAFTLOG_FORMAT_VERSION);
	return pen + sizeof(uint32_t);
}

static void seal_end(uint8_t *block, uint8_t *pen)
{
	uint32_t covered = (uint32_t)(pen - block);
	uint8_t *length = block + SEAL_HEAD_BYTES - sizeof(uint32_t);
	pen_u32(&length, covered);
	pen_u32(&pen, crc32c(0, bytes_of(block, covered)));
}

/* A newer version keeps magic, version, length and checksum where they are, so that it is known for what it is. */
static enum err seal_open(const uint8_t *block, uint64_t magic, struct cursor *ret_cursor)
{
	struct cursor head = cursor_over(bytes_of(block, SEAL_HEAD_BYTES));
	bool known = cursor_u64(&head) == magic;
	uint32_t version = cursor_u32(&head), covered = cursor_u32(&head);
	if (!known || covered < SEAL_HEAD_BYTES || covered > RAFTLOG_BLOCK_BYTES - SEAL_CHECKSUM_BYTES)
		return ERR_CORRUPT;
	if (u32_at(block + covered) != crc32c(0, bytes_of(block, covered)))
		return ERR_CORRUPT;
	if (version > RAFTLOG_FORMAT_VERSION)
		return ERR_FORMAT_NEWER;
	*ret_cursor = cursor_over(bytes_of(block + SEAL_HEAD_BYTES, covered - SEAL_HEAD_BYTES));
	return ERR_OK;
}

static void pen_position(uint8_t **pen, const struct raftlog_position *position)
{
	pen_u64(pen, position->segment);
	pen_u64(pen, position->offset);
	pen_u32(pen, position->chain);
}

static struct raftlog_position cursor_position(struct cursor *cursor)
{
	struct raftlog_position position = {.segment = cursor_u64(cursor)};
	position.offset = cursor_u64(cursor);
	position.chain = cursor_u32(cursor);
	return position;
}

static void pen_mark(uint8_t **pen, const struct raftlog_mark *mark)
{
	pen_u64(pen, mark->index);
	pen_u64(pen, mark->term);
}

static struct raftlog_mark cursor_mark(struct cursor *cursor)
{
	struct raftlog_mark mark = {.index = cursor_u64(cursor)};
	mark.term = cursor_u64(cursor);
	return mark;
}

void raftlog_identity_encode(const struct raftlog_identity *identity, uint8_t *ret_block)
{
	uint8_t *pen = seal_begin(ret_block, IDENTITY_MAGIC);
	pen_u64(&pen, identity->sequence);
	pen_u64(&pen, identity->cluster_id);
	pen_u64(&pen, identity->member_id);
	pen_u64(&pen, identity->term);
	pen_u64(&pen, identity->vote);
	pen_mark(&pen, &identity->start);
	pen_u64(&pen, identity->segment_first);
	pen_u64(&pen, identity->segment_last);
	pen_position(&pen, &identity->known);
	pen_mark(&pen, &identity->known_entry);
	pen_u32(&pen, identity->damaged ? 1 : 0);
	seal_end(ret_block, pen);
}

enum err raftlog_identity_decode(const uint8_t *block, struct raftlog_identity *ret_identity)
{
	struct cursor cursor;
	enum err err = seal_open(block, IDENTITY_MAGIC, &cursor);
	if (err != ERR_OK)
		return err;
	struct raftlog_identity identity = {.sequence = cursor_u64(&cursor)};
	identity.cluster_id = cursor_u64(&cursor);
	identity.member_id = cursor_u64(&cursor);
	identity.term = cursor_u64(&cursor);
	identity.vote = cursor_u64(&cursor);
	identity.start = cursor_mark(&cursor);
	identity.segment_first = cursor_u64(&cursor);
	identity.segment_last = cursor_u64(&cursor);
	identity.known = cursor_position(&cursor);
	identity.known_entry = cursor_mark(&cursor);
	identity.damaged = cursor_u32(&cursor) != 0;
	if (!cursor_is_done(&cursor))
		return ERR_CORRUPT;
	*ret_identity = identity;
	return ERR_OK;
}

void raftlog_header_encode(const struct raftlog_header *header, uint8_t *ret_block)
{
	uint8_t *pen = seal_begin(ret_block, HEADER_MAGIC);
	pen_u64(&pen, header->cluster_id);
	pen_u64(&pen, header->member_id);
	pen_u64(&pen, header->sequence);
	pen_u64(&pen, header->size_bytes);
	pen_u32(&pen, header->salt);
	pen_position(&pen, &header->before);
	pen_mark(&pen, &header->base);
	seal_end(ret_block, pen);
}

enum err raftlog_header_decode(const uint8_t *block, struct raftlog_header *ret_header)
{
	struct cursor cursor;
	enum err err = seal_open(block, HEADER_MAGIC, &cursor);
	if (err != ERR_OK)
		return err;
	struct raftlog_header header = {.cluster_id = cursor_u64(&cursor)};
	header.member_id = cursor_u64(&cursor);
	header.sequence = cursor_u64(&cursor);
	header.size_bytes = cursor_u64(&cursor);
	header.salt = cursor_u32(&cursor);
	header.before = cursor_position(&cursor);
	header.base = cursor_mark(&cursor);
	if (!cursor_is_done(&cursor))
		return ERR_CORRUPT;
	*ret_header = header;
	return ERR_OK;
}

void raftlog_batch_encode(struct raftlog_batch_record *record, uint32_t salt, uint8_t *ret_data)
{
	uint8_t *pen = ret_data;
	pen_u32(&pen, BATCH_TYPE);
	pen_u32(&pen, record->before);
	pen_u64(&pen, record->segment);
	pen_u64(&pen, record->offset);
	pen_u32(&pen, record->size_bytes);
	pen_u32(&pen, record->count);
	pen_mark(&pen, &record->after);
	pen_u64(&pen, record->term);
	pen_u64(&pen, record->vote);
	pen_u32(&pen, 0);
	record->checksum = crc32c(salt, bytes_of(ret_data, BATCH_SUM_AT));
	pen_u32(&pen, record->checksum);
	check(pen == ret_data + RAFTLOG_BATCH_BYTES);
}

enum err raftlog_batch_decode(const uint8_t *data, uint32_t salt, struct raftlog_batch_record *ret_record)
{
	if (!raftlog_batch_is_at(data))
		return ERR_CORRUPT;
	uint32_t checksum = crc32c(salt, bytes_of(data, BATCH_SUM_AT));
	if (checksum != u32_at(data + BATCH_SUM_AT))
		return ERR_CORRUPT;
	struct cursor cursor = cursor_over(bytes_of(data + sizeof(uint32_t), BATCH_SUM_AT - sizeof(uint32_t)));
	*ret_record = (struct raftlog_batch_record){.before = cursor_u32(&cursor), .checksum = checksum};
	ret_record->segment = cursor_u64(&cursor);
	ret_record->offset = cursor_u64(&cursor);
	ret_record->size_bytes = cursor_u32(&cursor);
	ret_record->count = cursor_u32(&cursor);
	ret_record->after = cursor_mark(&cursor);
	ret_record->term = cursor_u64(&cursor);
	ret_record->vote = cursor_u64(&cursor);
	return ERR_OK;
}

void raftlog_entry_encode(struct raftlog_entry_record *record, uint32_t salt, uint8_t *ret_data)
{
	uint8_t *pen = ret_data;
	pen_u32(&pen, ENTRY_TYPE);
	pen_u32(&pen, record->before);
	pen_u64(&pen, record->index);
	pen_u64(&pen, record->term);
	pen_u64(&pen, (uint64_t)record->time_ns);
	pen_u32(&pen, record->kind);
	pen_u32(&pen, (uint32_t)record->payload.size);
	pen_u32(&pen, 0);
	check(pen == ret_data + ENTRY_SUM_AT);
	record->checksum = crc32c(crc32c(salt, bytes_of(ret_data, ENTRY_SUM_AT)), record->payload);
	pen_u32(&pen, record->checksum);
	if (record->payload.size != 0)
		memcpy(pen, record->payload.data, record->payload.size);
	size_t padding = raftlog_entry_bytes(record->payload.size) - RAFTLOG_ENTRY_BYTES - record->payload.size;
	memset(pen + record->payload.size, 0, padding);
}

uint64_t raftlog_entry_peek(const uint8_t *data)
{
	return raftlog_entry_bytes(u32_at(data + ENTRY_LENGTH_AT));
}

enum err raftlog_entry_decode(const uint8_t *data, uint32_t salt, struct raftlog_entry_record *ret_record)
{
	if (!raftlog_entry_is_at(data))
		return ERR_CORRUPT;
	struct bytes payload = bytes_of(data + RAFTLOG_ENTRY_BYTES, u32_at(data + ENTRY_LENGTH_AT));
	uint32_t checksum = crc32c(crc32c(salt, bytes_of(data, ENTRY_SUM_AT)), payload);
	if (checksum != u32_at(data + ENTRY_SUM_AT))
		return ERR_CORRUPT;
	struct cursor cursor = cursor_over(bytes_of(data + sizeof(uint32_t), ENTRY_LENGTH_AT - sizeof(uint32_t)));
	*ret_record =
	    (struct raftlog_entry_record){.before = cursor_u32(&cursor), .payload = payload, .checksum = checksum};
	ret_record->index = cursor_u64(&cursor);
	ret_record->term = cursor_u64(&cursor);
	ret_record->time_ns = (int64_t)cursor_u64(&cursor);
	ret_record->kind = cursor_u32(&cursor);
	return ERR_OK;
}

bool raftlog_batch_is_at(const uint8_t *data)
{
	return u32_at(data) == BATCH_TYPE;
}

bool raftlog_entry_is_at(const uint8_t *data)
{
	return u32_at(data) == ENTRY_TYPE;
}

uint64_t raftlog_entry_bytes(uint64_t payload_bytes)
{
	return RAFTLOG_ENTRY_BYTES + (payload_bytes + 7) / 8 * 8;
}
