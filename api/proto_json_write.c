/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proto_json.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "api/field.h"
#include "base/base64.h"
#include "base/check.h"

/* The first failure stands: what comes after it is not written. */
struct json_writer {
	struct buffer *buffer;
	enum err err;
};

static void writer_put(struct json_writer *writer, struct bytes bytes)
{
	if (writer->err == ERR_OK)
		writer->err = buffer_append(writer->buffer, bytes);
}

static void writer_put_literal(struct json_writer *writer, const char *text)
{
	writer_put(writer, bytes_of_string(text));
}

static void writer_put_signed(struct json_writer *writer, const char *quote, int64_t number)
{
	char text[32];
	int size = snprintf(text, sizeof text, "%s%" PRId64 "%s", quote, number, quote);
	writer_put(writer, bytes_of(text, (size_t)size));
}

static void writer_put_unsigned(struct json_writer *writer, const char *quote, uint64_t number)
{
	char text[32];
	int size = snprintf(text, sizeof text, "%s%" PRIu64 "%s", quote, number, quote);
	writer_put(writer, bytes_of(text, (size_t)size));
}

static int writer_take(const char *data, size_t size, void *argument)
{
	writer_put(argument, bytes_of(data, size));
	return 0;
}

static void writer_put_json(struct json_writer *writer, json_t *value)
{
	check(value != NULL);
	int failed = json_dump_callback(value, writer_take, writer, JSON_ENCODE_ANY | JSON_COMPACT);
	check(failed == 0);
	json_decref(value);
}

/* jansson itself knows what UTF-8 is. */
static void writer_put_string(struct json_writer *writer, const char *text)
{
	json_t *string = json_string(text);
	writer_put_json(writer, string != NULL ? string : json_string("\xef\xbf\xbd"));
}

static void writer_put_bytes(struct json_writer *writer, const ProtobufCBinaryData *data)
{
	uint8_t *room;
	size_t size = base64_text_size(data->len);
	if (writer->err == ERR_OK)
		writer->err = buffer_extend(writer->buffer, size + 2, &room);
	if (writer->err != ERR_OK)
		return;
	room[0] = room[size + 1] = '"';
	base64_write(bytes_of(data->data, data->len), (char *)room + 1);
}

static void writer_put_enum(struct json_writer *writer, const ProtobufCFieldDescriptor *field, int number)
{
	const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(field->descriptor, number);
	if (value != NULL)
		writer_put_string(writer, value->name);
	else
		writer_put_signed(writer, "", number);
}

static void writer_put_message(struct json_writer *writer, const ProtobufCMessage *message);

static void writer_put_value(struct json_writer *writer, const ProtobufCFieldDescriptor *field, const void *at)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		writer_put_signed(writer, "", *(const int32_t *)at);
		break;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		writer_put_signed(writer, "\"", *(const int64_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		writer_put_unsigned(writer, "", *(const uint32_t *)at);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		writer_put_unsigned(writer, "\"", *(const uint64_t *)at);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		writer_put_json(writer, json_real((double)*(const float *)at));
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		writer_put_json(writer, json_real(*(const double *)at));
		break;
	case PROTOBUF_C_TYPE_BOOL:
		writer_put_literal(writer, *(const protobuf_c_boolean *)at != 0 ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_ENUM:
		writer_put_enum(writer, field, *(const int *)at);
		break;
	case PROTOBUF_C_TYPE_STRING:
		writer_put_string(writer, *(char *const *)at);
		break;
	case PROTOBUF_C_TYPE_BYTES:
		writer_put_bytes(writer, at);
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		writer_put_message(writer, *(ProtobufCMessage *const *)at);
		break;
	}
}

static void writer_put_list(struct json_writer *writer, const ProtobufCMessage *message,
                            const ProtobufCFieldDescriptor *field)
{
	const uint8_t *elements = *(uint8_t *const *)field_at(message, field->offset);
	writer_put_literal(writer, "[");
	for (size_t at = 0; at < *field_count(message, field); at++) {
		writer_put_literal(writer, at != 0 ? "," : "");
		writer_put_value(writer, field, elements + at * field_value_bytes(field->type));
	}
	writer_put_literal(writer, "]");
}

/* Whether it says more than its absence would. */
static bool writer_has(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	static const uint8_t zero[sizeof(ProtobufCBinaryData)];
	const void *at = field_at(message, field->offset);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return *field_count(message, field) != 0;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)at == NULL)
		return false;
	if (field->label == PROTOBUF_C_LABEL_OPTIONAL || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0)
		return field_is_set(message, field);
	if (field->type == PROTOBUF_C_TYPE_STRING)
		return *(char *const *)at != NULL && **(char *const *)at != '\0';
	if (field->type == PROTOBUF_C_TYPE_BYTES)
		return ((const ProtobufCBinaryData *)at)->len != 0;
	return memcmp(at, zero, field_value_bytes(field->type)) != 0;
}

static void writer_put_message(struct json_writer *writer, const ProtobufCMessage *message)
{
	bool first = true;
	writer_put_literal(writer, "{");
	for (unsigned at = 0; at < message->descriptor->n_fields; at++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[at];
		if (!writer_has(message, field))
			continue;
		writer_put_literal(writer, first ? "\"" : ",\"");
		writer_put_literal(writer, field->name);
		writer_put_literal(writer, "\":");
		if (field->label == PROTOBUF_C_LABEL_REPEATED)
			writer_put_list(writer, message, field);
		else
			writer_put_value(writer, field, field_at(message, field->offset));
		first = false;
	}
	writer_put_literal(writer, "}");
}

static enum err writer_end(struct json_writer *writer, size_t size_before)
{
	if (writer->err != ERR_OK)
		writer->buffer->size = size_before;
	return writer->err;
}

enum err proto_json_write(struct buffer *buffer, const ProtobufCMessage *message)
{
	struct json_writer writer = {.buffer = buffer};
	size_t size = buffer->size;
	writer_put_message(&writer, message);
	return writer_end(&writer, size);
}

enum err proto_json_write_string(struct buffer *buffer, const char *text)
{
	struct json_writer writer = {.buffer = buffer};
	size_t size = buffer->size;
	writer_put_string(&writer, text);
	return writer_end(&writer, size);
}
