/* SPDX-License-Identifier: Apache-2.0 */
/* The methods that read and change keys. */
#include "api/method.h"

#include "api/scope.h"
#include "api/shape.h"
#include "base/proto.h"

static const char *keys_printable(struct call *call, struct bytes key)
{
	return arena_dup_string(&call->arena, key.size > 200 ? bytes_of(key.data, 200) : key);
}

/* With a '/' at its end. */
static struct bytes keys_directory(struct call *call, struct bytes path)
{
	uint8_t *directory = arena_take(&call->arena, path.size + 1);
	if (path.size > 0)
		memcpy(directory, path.data, path.size);
	directory[path.size] = '/';
	return bytes_of(directory, path.size + 1);
}

static enum err keys_check(struct call *call, struct bytes key)
{
	if (key.size == 0)
		return call_fail(call, ERR_INVALID, "a key is not empty");
	if (key.size > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	return ERR_OK;
}

/* ---- get ---- */

static enum err keys_read(struct call *call, struct kv_view *view, struct kv_record *ret_record)
{
	const Etcfs__Control__GetRequest *request = (const Etcfs__Control__GetRequest *)call->request;
	struct bytes key = proto_bytes(request->key);
	enum err err = keys_check(call, key);
	if (err != ERR_OK)
		return err;
	err = request->revision > 0 ? kv_get_at(view, key, request->revision, &call->arena, ret_record)
	                            : kv_get(view, key, &call->arena, ret_record);
	if (err == ERR_NOT_FOUND)
		return call_fail(call, err, "there is no key %s", keys_printable(call, key));
	if (err == ERR_FUTURE)
		return call_fail(call, err, "revision %lld is in the future: the newest is %lld",
		                 (long long)request->revision, (long long)kv_view_revision(view));
	if (err == ERR_COMPACTED)
		return call_fail(call, err, "revision %lld has been compacted: the oldest that is kept is %lld",
		                 (long long)request->revision, (long long)kv_view_compacted(view));
	return err;
}

enum err method_get(struct call *call, ProtobufCMessage **ret_response)
{
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	int64_t revision = kv_view_revision(view);
	struct kv_record record;
	enum err err = keys_read(call, view, &record);
	kv_view_close(view);
	if (err != ERR_OK)
		return err;
	Etcfs__Control__GetResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__get_response__init(response);
	response->record = shape_record(&record, SHAPE_WITH_VALUES, &call->arena);
	response->revision = revision;
	*ret_response = &response->base;
	return ERR_OK;
}

/* ---- put ---- */

static void keys_command(struct kv_command *command, const struct kv_op *ops, size_t count)
{
	*command = (struct kv_command){
	    .kind = KV_COMMAND_TXN,
	    .txn = {.success = ops, .success_count = count},
	};
}

enum err method_put_command(struct call *call, struct kv_command *ret_command)
{
	const Etcfs__Control__PutRequest *request = (const Etcfs__Control__PutRequest *)call->request;
	size_t size = request->value.len, size_max = call->service->value_bytes_max;
	enum err err = keys_check(call, proto_bytes(request->key));
	if (err != ERR_OK)
		return err;
	if (size > size_max)
		return call_fail(call, ERR_TOO_LARGE, "the value has %zu bytes; etcfsd --max-file-size is %zu", size,
		                 size_max);
	struct kv_op *op = arena_zero(&call->arena, 1, sizeof *op);
	op->kind = KV_PUT;
	op->put = (struct kv_put){
	    .key = proto_bytes(request->key),
	    .value = proto_bytes(request->value),
	    .keep_attr = true, /* mode, owner and xattrs of the file stay */
	    .keep_lease = false,
	};
	keys_command(ret_command, op, 1);
	return ERR_OK;
}

enum err method_put(struct call *call, ProtobufCMessage **ret_response)
{
	Etcfs__Control__PutResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__put_response__init(response);
	response->revision = call->result->revision;
	*ret_response = &response->base;
	return ERR_OK;
}

/* ---- delete ---- */

enum err method_delete_command(struct call *call, struct kv_command *ret_command)
{
	const Etcfs__Control__DeleteRequest *request = (const Etcfs__Control__DeleteRequest *)call->request;
	struct bytes key = proto_bytes(request->key);
	enum err err = keys_check(call, key);
	if (err != ERR_OK)
		return err;
	struct kv_op *ops = arena_zero(&call->arena, 2, sizeof *ops);
	if (!request->recursive) {
		ops[0] = (struct kv_op){.kind = KV_DELETE, .del.range.start = key};
		keys_command(ret_command, ops, 1);
		return ERR_OK;
	}
	/* "/a" itself, and "/a/" with all that begins with it. */
	struct bytes itself = scope_trim(key);
	struct bytes below = keys_directory(call, itself);
	size_t count = 0;
	ops[count++] = (struct kv_op){.kind = KV_DELETE, .del.range = kv_prefix(below, &call->arena)};
	if (itself.size > 0)
		ops[count++] = (struct kv_op){.kind = KV_DELETE, .del.range.start = itself};
	keys_command(ret_command, ops, count);
	return ERR_OK;
}

enum err method_delete(struct call *call, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__DeleteRequest *request = (const Etcfs__Control__DeleteRequest *)call->request;
	Etcfs__Control__DeleteResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__delete_response__init(response);
	response->revision = call->result->revision;
	for (size_t at = 0; at < call->result->response_count; at++)
		response->deleted += call->result->responses[at].count;
	if (call->result->response_count ==
	    0) /* proposed twice and applied once: the first outcome is told without them */
		response->deleted = -1;
	if (response->deleted == 0)
		return call_fail(call, ERR_NOT_FOUND, "there is no key %s",
		                 keys_printable(call, proto_bytes(request->key)));
	*ret_response = &response->base;
	return ERR_OK;
}

/* ---- list ---- */

static Etcfs__Control__Entry *keys_entry_of_child(const struct kv_child *child, struct arena *arena)
{
	Etcfs__Control__Entry *entry = arena_take(arena, sizeof *entry);
	etcfs__control__entry__init(entry);
	const struct kv_directory *directory = &child->directory;
	entry->name = proto_data(child->name);
	entry->directory = child->is_directory;
	entry->size = child->is_directory ? 0 : (int64_t)child->value_size;
	entry->children = child->is_directory ? directory->children : 0;
	entry->revision = child->is_directory ? directory->changed_revision : child->record.mod_revision;
	entry->time = shape_time(child->is_directory ? directory->changed_time_ns : child->record.time_ns, arena);
	entry->id = shape_id(child->is_directory ? directory->id : child->record.id, arena);
	return entry;
}

static enum err keys_list_directory(struct call *call, struct kv_view *view, size_t max,
                                    Etcfs__Control__ListResponse *response)
{
	const Etcfs__Control__ListRequest *request = (const Etcfs__Control__ListRequest *)call->request;
	struct bytes trimmed = scope_trim(proto_bytes(request->directory));
	struct kv_list_request list = {
	    .prefix = keys_directory(call, trimmed),
	    .after_name = proto_bytes(request->after),
	    .after_is_directory = request->after_is_directory,
	    .max = max,
	};
	struct kv_child *children;
	size_t count;
	enum err err = kv_list(view, &list, &call->arena, &children, &count);
	if (err == ERR_NOT_FOUND && trimmed.size == 0)
		return ERR_OK; /* an empty store still has its root */
	if (err == ERR_NOT_FOUND)
		return call_fail(call, err, "there is no directory %s", keys_printable(call, trimmed));
	if (err != ERR_OK)
		return err;
	response->entries = arena_take(&call->arena, count * sizeof *response->entries);
	for (size_t at = 0; at < count; at++)
		response->entries[response->n_entries++] = keys_entry_of_child(&children[at], &call->arena);
	response->more = count == max;
	return ERR_OK;
}

static Etcfs__Control__Entry *keys_entry_of_record(const struct kv_record *record, struct arena *arena)
{
	Etcfs__Control__Entry *entry = arena_take(arena, sizeof *entry);
	etcfs__control__entry__init(entry);
	entry->name = proto_data(record->key);
	entry->directory = record->key.size > 0 && record->key.data[record->key.size - 1] == '/';
	entry->size = -1;
	entry->children = -1;
	entry->revision = record->mod_revision;
	entry->time = shape_time(record->time_ns, arena);
	entry->id = shape_id(record->id, arena);
	return entry;
}

/* Every key below, without the values: the store keeps their sizes only with them. */
static enum err keys_list_below(struct call *call, struct kv_view *view, size_t max,
                                Etcfs__Control__ListResponse *response)
{
	const Etcfs__Control__ListRequest *request = (const Etcfs__Control__ListRequest *)call->request;
	struct bytes trimmed = scope_trim(proto_bytes(request->directory)), after = proto_bytes(request->after);
	struct kv_range range = kv_prefix(keys_directory(call, trimmed), &call->arena);
	if (after.size > 0) /* the least key that is greater: with the zero at its end */
		range.start = bytes_of(arena_dup_string(&call->arena, after), after.size + 1);
	struct kv_range_request ask = {.range = range, .limit = (int64_t)max, .keys_only = true};
	struct kv_response found;
	enum err err = kv_range(view, &ask, &call->arena, &found);
	if (err != ERR_OK)
		return err;
	if (found.record_count == 0 && after.size == 0 && trimmed.size > 0)
		return call_fail(call, ERR_NOT_FOUND, "there is no key below %s", keys_printable(call, trimmed));
	response->entries = arena_take(&call->arena, found.record_count * sizeof *response->entries);
	for (size_t at = 0; at < found.record_count; at++)
		response->entries[response->n_entries++] = keys_entry_of_record(&found.records[at], &call->arena);
	response->more = found.more;
	return ERR_OK;
}

enum err method_list(struct call *call, ProtobufCMessage **ret_response)
{
	const Etcfs__Control__ListRequest *request = (const Etcfs__Control__ListRequest *)call->request;
	if (request->directory.len > LIMIT_KEY_BYTES || request->after.len > LIMIT_KEY_BYTES)
		return call_fail(call, ERR_TOO_LARGE, "a key has at most %d bytes", LIMIT_KEY_BYTES);
	size_t max = request->limit > 0 && request->limit < CONTROL_PAGE_MAX ? request->limit : CONTROL_PAGE_MAX;
	Etcfs__Control__ListResponse *response = arena_take(&call->arena, sizeof *response);
	etcfs__control__list_response__init(response);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	response->revision = kv_view_revision(view);
	enum err err = request->recursive ? keys_list_below(call, view, max, response)
	                                  : keys_list_directory(call, view, max, response);
	kv_view_close(view);
	if (err == ERR_OK)
		*ret_response = &response->base;
	return err;
}
