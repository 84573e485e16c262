/* SPDX-License-Identifier: Apache-2.0 */
#include "api/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/field.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/memory.h"

/* ---- bytes ---- */

static json_t *json_of_base64(struct bytes bytes)
{
	size_t size = base64_text_size(bytes.size);
	AUTO_FREE char *text = memory_new(size + 1);
	base64_write(bytes, text);
	return json_stringn(text, size);
}

/* Consumes nothing; *ret_suffix tells how the member's name ends. jansson itself knows what UTF-8 is. */
static json_t *json_of_bytes(struct bytes bytes, const char **ret_suffix)
{
	json_t *text = json_stringn(bytes.size > 0 ? (const char *)bytes.data : "", bytes.size);
	*ret_suffix = text != NULL ? "" : "_base64";
	return text != NULL ? text : json_of_base64(bytes);
}

/* ---- one value of a field ---- */

static json_t *json_of_u64(uint64_t value)
{
	if (value <= INT64_MAX)
		return json_integer((json_int_t)value);
	char text[24]; /* jansson's integers are signed */
	snprintf(text, sizeof text, "%" PRIu64, value);
	return json_string(text);
}

static json_t *json_of_enum(const ProtobufCFieldDescriptor *field, int value)
{
	const ProtobufCEnumValue *name = protobuf_c_enum_descriptor_get_value(field->descriptor, value);
	return name != NULL ? json_string(name->name) : json_integer(value);
}

static json_t *json_of_string(const char *text)
{
	json_t *json = json_string(text != NULL ? text : "");
	return json != NULL ? json : json_of_base64(bytes_of_string(text));
}

/* `at` points to the value. NULL: it is not set. */
static json_t *json_of_value(const ProtobufCFieldDescriptor *field, const void *at, const char **ret_suffix)
{
	*ret_suffix = "";
	switch (field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)at);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return json_integer(*(const int64_t *)at);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_integer(*(const uint32_t *)at);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return json_of_u64(*(const uint64_t *)at);
	case PROTOBUF_C_TYPE_FLOAT:
		return json_real((double)*(const float *)at);
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_real(*(const double *)at);
	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)at);
	case PROTOBUF_C_TYPE_ENUM:
		return json_of_enum(field, *(const int *)at);
	case PROTOBUF_C_TYPE_STRING:
		return json_of_string(*(char *const *)at);
	case PROTOBUF_C_TYPE_BYTES: {
		const ProtobufCBinaryData *data = at;
		return json_of_bytes(bytes_of(data->data, data->len), ret_suffix);
	}
	case PROTOBUF_C_TYPE_MESSAGE: {
		const ProtobufCMessage *message = *(ProtobufCMessage *const *)at;
		return message != NULL ? json_of_message(message) : NULL;
	}
	}
	check(false);
	return NULL;
}

/* ---- fields and messages ---- */

/* An element that is not UTF-8 stands in the list as {"base64": …}: a list has no names to mark. */
static json_t *json_of_repeated(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t count = *field_count(message, field);
	const uint8_t *elements = *(uint8_t *const *)field_at(message, field->offset);
	json_t *list = json_array();
	for (size_t at = 0; at < count; at++) {
		const char *suffix;
		json_t *element = json_of_value(field, elements + at * field_value_bytes(field->type), &suffix);
		json_array_append_new(list, suffix[0] == '\0' ? element : json_pack("{so}", "base64", element));
	}
	return list;
}

json_t *json_of_message(const ProtobufCMessage *message)
{
	json_t *object = json_object();
	for (unsigned at = 0; at < message->descriptor->n_fields; at++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[at];
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			json_object_set_new(object, field->name, json_of_repeated(message, field));
			continue;
		}
		const char *suffix;
		json_t *value = field_is_set(message, field)
		                    ? json_of_value(field, field_at(message, field->offset), &suffix)
		                    : NULL;
		if (value == NULL)
			continue;
		AUTO_FREE char *name = memory_format("%s%s", field->name, suffix);
		json_object_set_new(object, name, value);
	}
	return object;
}
