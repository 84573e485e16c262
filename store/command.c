/* SPDX-License-Identifier: Apache-2.0 */
/* Commands to bytes and back: the messages of command.proto. Nested transactions are packed by themselves, so that their depth
 * is counted here, and not by the depth of the stack in the unpacker. */
#include "store/kv.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/cursor.h"
#include "base/limits.h"
#include "base/proto.h"
#include "store/command.pb-c.h"

enum { PUT_KEEP_VALUE = 1, PUT_KEEP_LEASE = 2, PUT_KEEP_ATTR = 4, PUT_WANT_PREV = 8 };
enum { ORIGIN_FIELD_MAX = 5, WIRE_VARINT = 0 };

/* ---- to bytes ---- */

static Store__Compare *compare_pack(const struct kv_compare *compare, struct arena *arena)
{
	Store__Compare *message = arena_take(arena, sizeof *message);
	store__compare__init(message);
	message->target = compare->target;
	message->result = compare->result;
	message->start = proto_data(compare->range.start);
	message->end = proto_data(compare->range.end);
	message->number = compare->number;
	message->value = proto_data(compare->value);
	return message;
}

static Store__Put *put_pack(const struct kv_put *put, struct arena *arena)
{
	Store__Put *message = arena_take(arena, sizeof *message);
	store__put__init(message);
	message->key = proto_data(put->key);
	message->value = proto_data(put->value);
	message->attr = proto_data(put->attr);
	message->lease = put->lease;
	message->id = put->id;
	message->flags = (put->keep_value ? PUT_KEEP_VALUE : 0u) | (put->keep_lease ? PUT_KEEP_LEASE : 0u) |
	                 (put->keep_attr ? PUT_KEEP_ATTR : 0u) | (put->want_prev ? PUT_WANT_PREV : 0u);
	return message;
}

static Store__Delete *delete_pack(const struct kv_delete *del, struct arena *arena)
{
	Store__Delete *message = arena_take(arena, sizeof *message);
	store__delete__init(message);
	message->start = proto_data(del->range.start);
	message->end = proto_data(del->range.end);
	message->want_prev = del->want_prev;
	return message;
}

static Store__Read *range_pack(const struct kv_range_request *range, struct arena *arena)
{
	Store__Read *message = arena_take(arena, sizeof *message);
	store__read__init(message);
	message->start = proto_data(range->range.start);
	message->end = proto_data(range->range.end);
	message->limit = range->limit;
	message->revision = range->revision;
	message->order = range->order;
	message->sort = range->sort;
	message->keys_only = range->keys_only;
	message->count_only = range->count_only;
	message->min_mod_revision = range->min_mod_revision;
	message->max_mod_revision = range->max_mod_revision;
	message->min_create_revision = range->min_create_revision;
	message->max_create_revision = range->max_create_revision;
	return message;
}

static Store__Move *move_pack(const struct kv_op *op, struct arena *arena)
{
	Store__Move *message = arena_take(arena, sizeof *message);
	store__move__init(message);
	message->from = proto_data(op->move.from);
	message->to = proto_data(op->move.to);
	message->exchange = op->kind == KV_EXCHANGE;
	message->set_attr = op->move.set_attr;
	message->attr = proto_data(op->move.attr);
	return message;
}

static bool range_is_known(const struct kv_range_request *range)
{
	return (unsigned)range->order <= KV_DESCEND && (unsigned)range->sort <= KV_SORT_VALUE;
}

static enum err txn_pack(const struct kv_txn *txn, unsigned depth, struct arena *arena, Store__Txn **ret_message);

static enum err txn_pack_bytes(const struct kv_txn *txn, unsigned depth, struct arena *arena,
                               ProtobufCBinaryData *ret_data)
{
	Store__Txn *message = NULL;
	enum err err = txn_pack(txn, depth, arena, &message);
	if (err != ERR_OK)
		return err;
	size_t size = store__txn__get_packed_size(message);
	uint8_t *data = arena_take(arena, size);
	store__txn__pack(message, data);
	*ret_data = (ProtobufCBinaryData){.len = size, .data = data};
	return ERR_OK;
}

static enum err op_pack(const struct kv_op *op, unsigned depth, struct arena *arena, Store__Op **ret_message)
{
	Store__Op *message = arena_take(arena, sizeof *message);
	store__op__init(message);
	*ret_message = message;
	switch (op->kind) {
	case KV_PUT:
		message->op_case = STORE__OP__OP_PUT;
		message->put = put_pack(&op->put, arena);
		return ERR_OK;
	case KV_DELETE:
		message->op_case = STORE__OP__OP_DELETE;
		message->delete_ = delete_pack(&op->del, arena);
		return ERR_OK;
	case KV_RANGE:
		message->op_case = STORE__OP__OP_RANGE;
		message->range = range_pack(&op->range, arena);
		return range_is_known(&op->range) ? ERR_OK : ERR_INVALID;
	case KV_TXN:
		message->op_case = STORE__OP__OP_TXN;
		return txn_pack_bytes(op->txn, depth + 1, arena, &message->txn);
	case KV_MOVE:
	case KV_EXCHANGE:
		message->op_case = STORE__OP__OP_MOVE;
		message->move = move_pack(op, arena);
		return ERR_OK;
	}
	return ERR_INVALID;
}

static enum err ops_pack(const struct kv_op *ops, size_t count, unsigned depth, struct arena *arena,
                         Store__Op ***ret_messages)
{
	*ret_messages = arena_take(arena, count * sizeof **ret_messages);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = op_pack(&ops[i], depth, arena, &(*ret_messages)[i]);
	return err;
}

/* What cannot be read again must not come into the log: it would stop every node. */
static bool compares_are_known(const struct kv_txn *txn)
{
	for (size_t i = 0; i < txn->compare_count; i++)
		if ((unsigned)txn->compares[i].target > KV_ID || (unsigned)txn->compares[i].result > KV_NOT_EQUAL)
			return false;
	return true;
}

static enum err txn_pack(const struct kv_txn *txn, unsigned depth, struct arena *arena, Store__Txn **ret_message)
{
	if (depth > KV_TXN_DEPTH_MAX)
		return ERR_LIMIT;
	if (!compares_are_known(txn))
		return ERR_INVALID;
	Store__Txn *message = arena_take(arena, sizeof *message);
	store__txn__init(message);
	message->n_compares = txn->compare_count;
	message->compares = arena_take(arena, txn->compare_count * sizeof *message->compares);
	for (size_t i = 0; i < txn->compare_count; i++)
		message->compares[i] = compare_pack(&txn->compares[i], arena);
	message->n_success = txn->success_count;
	message->n_failure = txn->failure_count;
	message->note = proto_data(txn->note);
	*ret_message = message;
	enum err err = ops_pack(txn->success, txn->success_count, depth, arena, &message->success);
	return err == ERR_OK ? ops_pack(txn->failure, txn->failure_count, depth, arena, &message->failure) : err;
}

static Store__Session *session_pack(uint64_t member, uint64_t nonce, struct arena *arena)
{
	Store__Session *message = arena_take(arena, sizeof *message);
	store__session__init(message);
	message->member = member;
	message->nonce = nonce;
	return message;
}

static Store__Lease *lease_pack(int64_t id, int64_t ttl_s, struct arena *arena)
{
	Store__Lease *message = arena_take(arena, sizeof *message);
	store__lease__init(message);
	message->id = id;
	message->ttl_s = ttl_s;
	return message;
}

static Store__LeaseExpire *expire_pack(int64_t id, uint64_t term, struct arena *arena)
{
	Store__LeaseExpire *message = arena_take(arena, sizeof *message);
	store__lease_expire__init(message);
	message->id = id;
	message->term = term;
	return message;
}

static Store__LeaseCheckpoint *checkpoint_pack(const struct kv_command *command, struct arena *arena)
{
	size_t count = command->lease_checkpoint.count;
	Store__LeaseCheckpoint *message = arena_take(arena, sizeof *message);
	store__lease_checkpoint__init(message);
	message->term = command->lease_checkpoint.term;
	message->n_ids = message->n_lefts_ms = count;
	message->ids = arena_take(arena, count * sizeof *message->ids);
	message->lefts_ms = arena_take(arena, count * sizeof *message->lefts_ms);
	for (size_t i = 0; i < count; i++) {
		message->ids[i] = command->lease_checkpoint.lefts[i].id;
		message->lefts_ms[i] = command->lease_checkpoint.lefts[i].left_ms;
	}
	return message;
}

static Store__Member *member_pack(const struct kv_member *member, struct arena *arena)
{
	Store__Member *message = arena_take(arena, sizeof *message);
	store__member__init(message);
	message->id = member->id;
	message->name = (char *)member->name;
	message->peer_urls = (char *)member->peer_urls;
	message->client_urls = (char *)member->client_urls;
	return message;
}

static Store__Alarm *alarm_pack(const struct kv_command *command, struct arena *arena)
{
	Store__Alarm *message = arena_take(arena, sizeof *message);
	store__alarm__init(message);
	message->action = command->alarm.action;
	message->kind = command->alarm.kind;
	message->member = command->alarm.member;
	message->by_itself = command->alarm.by_itself;
	return message;
}

static enum err body_pack(const struct kv_command *command, struct arena *arena, Store__Command *message)
{
	switch (command->kind) {
	case KV_COMMAND_TXN:
		message->body_case = STORE__COMMAND__BODY_TXN;
		return txn_pack(&command->txn, 1, arena, &message->txn);
	case KV_COMMAND_COMPACT:
		message->body_case = STORE__COMMAND__BODY_COMPACT;
		message->compact = command->compact.revision;
		return ERR_OK;
	case KV_COMMAND_SESSION:
		message->body_case = STORE__COMMAND__BODY_SESSION_OPEN;
		message->session_open = session_pack(command->session_open.member, command->session_open.nonce, arena);
		return ERR_OK;
	case KV_COMMAND_LEASE_GRANT:
		message->body_case = STORE__COMMAND__BODY_LEASE_GRANT;
		message->lease_grant = lease_pack(command->lease_grant.id, command->lease_grant.ttl_s, arena);
		return ERR_OK;
	case KV_COMMAND_LEASE_REVOKE:
		message->body_case = STORE__COMMAND__BODY_LEASE_REVOKE;
		message->lease_revoke = command->lease_revoke.id;
		return ERR_OK;
	case KV_COMMAND_MEMBER:
		message->body_case = STORE__COMMAND__BODY_MEMBER;
		message->member = member_pack(&command->member, arena);
		return ERR_OK;
	case KV_COMMAND_LEASE_EXPIRE:
		message->body_case = STORE__COMMAND__BODY_LEASE_EXPIRE;
		message->lease_expire = expire_pack(command->lease_expire.id, command->lease_expire.term, arena);
		return ERR_OK;
	case KV_COMMAND_LEASE_CHECKPOINT:
		message->body_case = STORE__COMMAND__BODY_LEASE_CHECKPOINT;
		message->lease_checkpoint = checkpoint_pack(command, arena);
		return ERR_OK;
	case KV_COMMAND_ALARM:
		message->body_case = STORE__COMMAND__BODY_ALARM;
		message->alarm = alarm_pack(command, arena);
		return ERR_OK;
	}
	return ERR_INVALID;
}

enum err kv_command_encode(const struct kv_command *command, struct buffer *buffer)
{
	AUTO_ARENA struct arena arena;
	arena_init(&arena);
	Store__Command message;
	store__command__init(&message);
	message.kind = command->kind;
	message.session = command->session;
	message.sequence = command->sequence;
	message.done_below = command->done_below;
	message.proposer = command->proposer;
	message.quota = command->quota_bytes;
	enum err err = body_pack(command, &arena, &message);
	if (err != ERR_OK)
		return err;
	uint8_t *room = NULL;
	err = buffer_extend(buffer, store__command__get_packed_size(&message), &room);
	if (err == ERR_OK)
		store__command__pack(&message, room);
	return err;
}

/* ---- from bytes ---- */

static enum err txn_unpack(const Store__Txn *message, unsigned depth, struct arena *arena, struct kv_txn *ret_txn);

static enum err compare_unpack(const Store__Compare *message, struct kv_compare *ret_compare)
{
	if (message->target > KV_ID || message->result > KV_NOT_EQUAL)
		return ERR_CORRUPT;
	*ret_compare = (struct kv_compare){
	    .target = (enum kv_target)message->target,
	    .result = (enum kv_result_of_compare)message->result,
	    .range = {proto_bytes(message->start), proto_bytes(message->end)},
	    .number = message->number,
	    .value = proto_bytes(message->value),
	};
	return ERR_OK;
}

static void put_unpack(const Store__Put *message, struct kv_put *ret_put)
{
	*ret_put = (struct kv_put){
	    .key = proto_bytes(message->key),
	    .value = proto_bytes(message->value),
	    .attr = proto_bytes(message->attr),
	    .lease = message->lease,
	    .id = message->id,
	    .keep_value = (message->flags & PUT_KEEP_VALUE) != 0,
	    .keep_lease = (message->flags & PUT_KEEP_LEASE) != 0,
	    .keep_attr = (message->flags & PUT_KEEP_ATTR) != 0,
	    .want_prev = (message->flags & PUT_WANT_PREV) != 0,
	};
}

static enum err range_unpack(const Store__Read *message, struct kv_range_request *ret_range)
{
	if (message->order > KV_DESCEND || message->sort > KV_SORT_VALUE)
		return ERR_CORRUPT;
	*ret_range = (struct kv_range_request){
	    .range = {proto_bytes(message->start), proto_bytes(message->end)},
	    .limit = message->limit,
	    .revision = message->revision,
	    .order = (enum kv_order)message->order,
	    .sort = (enum kv_sort)message->sort,
	    .keys_only = message->keys_only,
	    .count_only = message->count_only,
	    .min_mod_revision = message->min_mod_revision,
	    .max_mod_revision = message->max_mod_revision,
	    .min_create_revision = message->min_create_revision,
	    .max_create_revision = message->max_create_revision,
	};
	return ERR_OK;
}

static enum err txn_unpack_bytes(ProtobufCBinaryData data, unsigned depth, struct arena *arena,
                                 const struct kv_txn **ret_txn)
{
	if (depth > KV_TXN_DEPTH_MAX)
		return ERR_CORRUPT;
	ProtobufCAllocator allocator = proto_allocator(arena);
	const Store__Txn *message = store__txn__unpack(&allocator, data.len, data.data);
	if (message == NULL)
		return ERR_CORRUPT;
	struct kv_txn *txn = arena_zero(arena, 1, sizeof *txn);
	*ret_txn = txn;
	return txn_unpack(message, depth, arena, txn);
}

static enum err op_unpack(const Store__Op *message, unsigned depth, struct arena *arena, struct kv_op *ret_op)
{
	switch (message->op_case) {
	case STORE__OP__OP_PUT:
		ret_op->kind = KV_PUT;
		put_unpack(message->put, &ret_op->put);
		return ERR_OK;
	case STORE__OP__OP_DELETE:
		ret_op->kind = KV_DELETE;
		ret_op->del = (struct kv_delete){
		    .range = {proto_bytes(message->delete_->start), proto_bytes(message->delete_->end)},
		    .want_prev = message->delete_->want_prev,
		};
		return ERR_OK;
	case STORE__OP__OP_RANGE:
		ret_op->kind = KV_RANGE;
		return range_unpack(message->range, &ret_op->range);
	case STORE__OP__OP_TXN:
		ret_op->kind = KV_TXN;
		return txn_unpack_bytes(message->txn, depth + 1, arena, &ret_op->txn);
	case STORE__OP__OP_MOVE:
		ret_op->kind = message->move->exchange ? KV_EXCHANGE : KV_MOVE;
		ret_op->move = (struct kv_move){
		    .from = proto_bytes(message->move->from),
		    .to = proto_bytes(message->move->to),
		    .set_attr = message->move->set_attr,
		    .attr = proto_bytes(message->move->attr),
		};
		return ERR_OK;
	case STORE__OP__OP__NOT_SET:
	case _STORE__OP__OP__CASE_IS_INT_SIZE:
		break;
	}
	return ERR_CORRUPT;
}

static enum err ops_unpack(Store__Op *const *messages, size_t count, unsigned depth, struct arena *arena,
                           const struct kv_op **ret_ops)
{
	struct kv_op *ops = arena_zero(arena, count, sizeof *ops);
	enum err err = ERR_OK;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = op_unpack(messages[i], depth, arena, &ops[i]);
	*ret_ops = ops;
	return err;
}

static enum err txn_unpack(const Store__Txn *message, unsigned depth, struct arena *arena, struct kv_txn *ret_txn)
{
	struct kv_compare *compares = arena_zero(arena, message->n_compares, sizeof *compares);
	enum err err = ERR_OK;
	for (size_t i = 0; i < message->n_compares && err == ERR_OK; i++)
		err = compare_unpack(message->compares[i], &compares[i]);
	ret_txn->compares = compares;
	ret_txn->compare_count = message->n_compares;
	ret_txn->success_count = message->n_success;
	ret_txn->failure_count = message->n_failure;
	ret_txn->note = proto_bytes(message->note);
	if (err == ERR_OK)
		err = ops_unpack(message->success, message->n_success, depth, arena, &ret_txn->success);
	if (err == ERR_OK)
		err = ops_unpack(message->failure, message->n_failure, depth, arena, &ret_txn->failure);
	return err;
}

static enum err checkpoint_unpack(const Store__LeaseCheckpoint *message, struct arena *arena,
                                  struct kv_command *ret_command)
{
	if (message->n_ids != message->n_lefts_ms)
		return ERR_CORRUPT;
	struct kv_lease_left *lefts = arena_take(arena, message->n_ids * sizeof *lefts);
	for (size_t i = 0; i < message->n_ids; i++)
		lefts[i] = (struct kv_lease_left){.id = message->ids[i], .left_ms = message->lefts_ms[i]};
	ret_command->kind = KV_COMMAND_LEASE_CHECKPOINT;
	ret_command->lease_checkpoint.term = message->term;
	ret_command->lease_checkpoint.lefts = lefts;
	ret_command->lease_checkpoint.count = message->n_ids;
	return ERR_OK;
}

static enum err alarm_unpack(const Store__Alarm *message, struct kv_command *ret_command)
{
	if ((message->action != KV_ALARM_RAISE && message->action != KV_ALARM_CLEAR) ||
	    (message->kind != KV_ALARM_NOSPACE && message->kind != KV_ALARM_CORRUPT))
		return ERR_CORRUPT;
	ret_command->kind = KV_COMMAND_ALARM;
	ret_command->alarm.action = (enum kv_alarm_action)message->action;
	ret_command->alarm.kind = (enum kv_alarm_kind)message->kind;
	ret_command->alarm.member = message->member;
	ret_command->alarm.by_itself = message->by_itself;
	return ERR_OK;
}

static enum err body_unpack(const Store__Command *message, struct arena *arena, struct kv_command *ret_command)
{
	switch (message->body_case) {
	case STORE__COMMAND__BODY_TXN:
		ret_command->kind = KV_COMMAND_TXN;
		return txn_unpack(message->txn, 1, arena, &ret_command->txn);
	case STORE__COMMAND__BODY_COMPACT:
		ret_command->kind = KV_COMMAND_COMPACT;
		ret_command->compact.revision = message->compact;
		return ERR_OK;
	case STORE__COMMAND__BODY_SESSION_OPEN:
		ret_command->kind = KV_COMMAND_SESSION;
		ret_command->session_open.member = message->session_open->member;
		ret_command->session_open.nonce = message->session_open->nonce;
		return ERR_OK;
	case STORE__COMMAND__BODY_LEASE_GRANT:
		ret_command->kind = KV_COMMAND_LEASE_GRANT;
		ret_command->lease_grant.id = message->lease_grant->id;
		ret_command->lease_grant.ttl_s = message->lease_grant->ttl_s;
		return ERR_OK;
	case STORE__COMMAND__BODY_LEASE_REVOKE:
		ret_command->kind = KV_COMMAND_LEASE_REVOKE;
		ret_command->lease_revoke.id = message->lease_revoke;
		return ERR_OK;
	case STORE__COMMAND__BODY_MEMBER:
		ret_command->kind = KV_COMMAND_MEMBER;
		ret_command->member = (struct kv_member){
		    .id = message->member->id,
		    .name = message->member->name,
		    .peer_urls = message->member->peer_urls,
		    .client_urls = message->member->client_urls,
		};
		return ERR_OK;
	case STORE__COMMAND__BODY_LEASE_EXPIRE:
		ret_command->kind = KV_COMMAND_LEASE_EXPIRE;
		ret_command->lease_expire.id = message->lease_expire->id;
		ret_command->lease_expire.term = message->lease_expire->term;
		return ERR_OK;
	case STORE__COMMAND__BODY_LEASE_CHECKPOINT:
		return checkpoint_unpack(message->lease_checkpoint, arena, ret_command);
	case STORE__COMMAND__BODY_ALARM:
		return alarm_unpack(message->alarm, ret_command);
	case STORE__COMMAND__BODY__NOT_SET:
	case _STORE__COMMAND__BODY__CASE_IS_INT_SIZE:
		break;
	}
	return ERR_CORRUPT;
}

enum err kv_command_decode(struct bytes encoded, struct arena *arena, struct kv_command *ret_command)
{
	ProtobufCAllocator allocator = proto_allocator(arena);
	const Store__Command *message = store__command__unpack(&allocator, encoded.size, encoded.data);
	if (message == NULL)
		return ERR_CORRUPT;
	struct kv_command command = {
	    .session = message->session,
	    .sequence = message->sequence,
	    .done_below = message->done_below,
	    .proposer = message->proposer,
	    .quota_bytes = message->quota,
	};
	enum err err = body_unpack(message, arena, &command);
	if (err == ERR_OK && message->kind != (uint32_t)command.kind)
		err = ERR_CORRUPT;
	if (err == ERR_OK)
		*ret_command = command;
	return err;
}

enum err kv_command_origin(struct bytes encoded, struct kv_origin *ret_origin)
{
	uint64_t fields[ORIGIN_FIELD_MAX + 1] = {0};
	struct cursor cursor = cursor_over(encoded);
	while (cursor.rest.size != 0 && !cursor.bad) {
		uint64_t tag = cursor_varint(&cursor);
		if (tag >> 3 == 0 || tag >> 3 > ORIGIN_FIELD_MAX || (tag & 7) != WIRE_VARINT)
			break;
		fields[tag >> 3] = cursor_varint(&cursor);
	}
	if (cursor.bad || fields[1] < KV_COMMAND_TXN || fields[1] > KV_COMMAND_ALARM)
		return ERR_CORRUPT;
	*ret_origin = (struct kv_origin){
	    .kind = (enum kv_command_kind)fields[1],
	    .session = fields[2],
	    .sequence = fields[3],
	    .proposer = fields[5],
	};
	return ERR_OK;
}
