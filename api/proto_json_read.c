/* SPDX-License-Identifier: Apache-2.0 */
#include "api/proto_json.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/field.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/memory.h"

enum {
	JSON_SHOWN_BYTES_MAX = 64, /* of a value, to say that it is wrong */
	JSON_LONG_NUMBERS_MAX = 8, /* of one text, that jansson cannot hold */
};

struct json_reader {
	struct arena *arena;
	unsigned depth;
	const char *why; /* NULL: nothing is wrong */
};

/* ---- what is wrong ---- */

static enum err reader_fail(struct json_reader *reader, char *why)
{
	for (char *at = why; *at != '\0'; at++) /* it may quote what is no text */
		*at = isprint((unsigned char)*at) ? *at : '?';
	reader->why = why;
	return ERR_INVALID;
}

static const char *reader_show(struct json_reader *reader, const json_t *value)
{
	AUTO_FREE char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	check(text != NULL);
	bool cut = strlen(text) > JSON_SHOWN_BYTES_MAX;
	return arena_format(reader->arena, "%.*s%s", JSON_SHOWN_BYTES_MAX, text, cut ? "..." : "");
}

static enum err reader_fail_token(struct json_reader *reader, const json_t *value)
{
	const char *token = json_is_object(value) ? "{" : json_is_array(value) ? "[" : reader_show(reader, value);
	return reader_fail(reader, arena_format(reader->arena, "proto: unexpected token %s", token));
}

static const char *reader_kind(ProtobufCType type)
{
	static const char *const kinds[] = {
	    [PROTOBUF_C_TYPE_INT32] = "int32",       [PROTOBUF_C_TYPE_SINT32] = "sint32",
	    [PROTOBUF_C_TYPE_SFIXED32] = "sfixed32", [PROTOBUF_C_TYPE_INT64] = "int64",
	    [PROTOBUF_C_TYPE_SINT64] = "sint64",     [PROTOBUF_C_TYPE_SFIXED64] = "sfixed64",
	    [PROTOBUF_C_TYPE_UINT32] = "uint32",     [PROTOBUF_C_TYPE_FIXED32] = "fixed32",
	    [PROTOBUF_C_TYPE_UINT64] = "uint64",     [PROTOBUF_C_TYPE_FIXED64] = "fixed64",
	    [PROTOBUF_C_TYPE_FLOAT] = "float",       [PROTOBUF_C_TYPE_DOUBLE] = "double",
	    [PROTOBUF_C_TYPE_BOOL] = "bool",         [PROTOBUF_C_TYPE_ENUM] = "enum",
	    [PROTOBUF_C_TYPE_STRING] = "string",     [PROTOBUF_C_TYPE_BYTES] = "bytes",
	    [PROTOBUF_C_TYPE_MESSAGE] = "message",
	};
	return kinds[type];
}

/* ---- names ---- */

/* The ProtoJSON format: an underscore is left out, and the letter behind it is a capital. */
static bool name_is_camel_of(const char *camel, const char *name)
{
	while (*name != '\0') {
		bool capital = *name == '_';
		name += capital;
		char letter = capital ? (char)toupper((unsigned char)*name) : *name;
		if (*camel != letter)
			return false;
		camel += letter != '\0';
		name += *name != '\0';
	}
	return *camel == '\0';
}

static const ProtobufCFieldDescriptor *reader_find(const ProtobufCMessageDescriptor *type, const char *name)
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(type, name);
	for (unsigned at = 0; at < type->n_fields && field == NULL; at++)
		if (name_is_camel_of(name, type->fields[at].name))
			field = &type->fields[at];
	return field;
}

/* ---- numbers ---- */

struct whole_number {
	bool negative;
	uint64_t magnitude;
};

static bool number_of_text(const char *text, struct whole_number *ret_number)
{
	const char *digits = text + (text[0] == '-');
	char *end;
	if (!isdigit((unsigned char)digits[0]) || (digits[0] == '0' && digits[1] != '\0'))
		return false;
	errno = 0;
	uint64_t magnitude = strtoull(digits, &end, 10);
	if (errno != 0 || *end != '\0')
		return false;
	*ret_number = (struct whole_number){.negative = text[0] == '-', .magnitude = magnitude};
	return true;
}

static bool number_of_real(double real, struct whole_number *ret_number)
{
	if (real != trunc(real) || fabs(real) >= 0x1p64)
		return false;
	*ret_number = (struct whole_number){.negative = real < 0, .magnitude = (uint64_t)fabs(real)};
	return true;
}

static bool number_of(const json_t *value, struct whole_number *ret_number)
{
	if (json_is_string(value))
		return strlen(json_string_value(value)) == json_string_length(value) &&
		       number_of_text(json_string_value(value), ret_number);
	if (json_is_real(value))
		return number_of_real(json_real_value(value), ret_number);
	if (!json_is_integer(value))
		return false;
	json_int_t integer = json_integer_value(value);
	*ret_number = (struct whole_number){.negative = integer < 0,
	                                    .magnitude = integer < 0 ? -(uint64_t)integer : (uint64_t)integer};
	return true;
}

/* As a number of so many bits, signed or not. */
static bool number_fits(const struct whole_number *number, unsigned bits, bool is_signed)
{
	uint64_t top = (uint64_t)1 << (bits - 1);
	if (number->negative && number->magnitude != 0)
		return is_signed && number->magnitude <= top;
	return number->magnitude <= top - 1 + (is_signed ? 0 : top);
}

static bool read_whole(const json_t *value, unsigned bits, bool is_signed, void *to)
{
	struct whole_number number;
	if (!number_of(value, &number) || !number_fits(&number, bits, is_signed))
		return false;
	uint64_t whole = number.negative ? -number.magnitude : number.magnitude;
	if (bits == 64)
		memcpy(to, &whole, sizeof whole);
	else
		memcpy(to, &(uint32_t){(uint32_t)whole}, sizeof(uint32_t));
	return true;
}

/* ---- one value ---- */

/* A value of a field, from what it is in JSON to where it is in a message. */
struct json_place {
	const ProtobufCFieldDescriptor *field;
	const json_t *value;
	void *to;
};

static bool read_string(struct json_reader *reader, const struct json_place *place)
{
	const char *text = json_string_value(place->value);
	if (text == NULL || strlen(text) != json_string_length(place->value))
		return false; /* a zero in it would end it */
	*(char **)place->to = arena_dup_string(reader->arena, bytes_of_string(text));
	return true;
}

static bool read_bytes(struct json_reader *reader, const struct json_place *place)
{
	if (!json_is_string(place->value))
		return false;
	struct bytes text = bytes_of(json_string_value(place->value), json_string_length(place->value));
	ProtobufCBinaryData data = {.data = arena_take(reader->arena, text.size / 4 * 3 + 3)};
	if (base64_read(text, data.data, &data.len) != ERR_OK)
		return false;
	*(ProtobufCBinaryData *)place->to = data;
	return true;
}

static const ProtobufCEnumValue *enum_value(const struct json_place *place)
{
	return protobuf_c_enum_descriptor_get_value_by_name(place->field->descriptor, json_string_value(place->value));
}

/* It may be known to a newer one. */
static bool place_is_unknown(const struct json_place *place)
{
	return place->field->type == PROTOBUF_C_TYPE_ENUM && json_is_string(place->value) && enum_value(place) == NULL;
}

static bool read_enum(const struct json_place *place)
{
	if (!json_is_string(place->value))
		return !json_is_real(place->value) && read_whole(place->value, 32, true, place->to);
	*(int *)place->to = enum_value(place)->value;
	return true;
}

static bool read_bool(const struct json_place *place)
{
	if (!json_is_boolean(place->value))
		return false;
	*(protobuf_c_boolean *)place->to = json_is_true(place->value);
	return true;
}

static bool read_real(const struct json_place *place)
{
	double real = json_number_value(place->value);
	if (place->field->type == PROTOBUF_C_TYPE_DOUBLE)
		*(double *)place->to = real;
	else
		*(float *)place->to = (float)real;
	return json_is_number(place->value);
}

static bool read_scalar(struct json_reader *reader, const struct json_place *place)
{
	switch (place->field->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return read_whole(place->value, 32, true, place->to);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return read_whole(place->value, 64, true, place->to);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return read_whole(place->value, 32, false, place->to);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return read_whole(place->value, 64, false, place->to);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_real(place);
	case PROTOBUF_C_TYPE_BOOL:
		return read_bool(place);
	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(place);
	case PROTOBUF_C_TYPE_STRING:
		return read_string(reader, place);
	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(reader, place);
	case PROTOBUF_C_TYPE_MESSAGE:
		break;
	}
	check(false);
	return false;
}

static enum err read_message(struct json_reader *reader, const ProtobufCMessageDescriptor *type, const json_t *object,
                             ProtobufCMessage **ret_message);

static enum err read_value(struct json_reader *reader, const struct json_place *place)
{
	const ProtobufCFieldDescriptor *field = place->field;
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return read_message(reader, field->descriptor, place->value, place->to);
	if (read_scalar(reader, place))
		return ERR_OK;
	return reader_fail(reader,
	                   arena_format(reader->arena, "proto: invalid value for %s field %s: %s",
	                                reader_kind(field->type), field->name, reader_show(reader, place->value)));
}

/* ---- fields and messages ---- */

static enum err read_list(struct json_reader *reader, ProtobufCMessage *message, const struct json_place *place)
{
	const ProtobufCFieldDescriptor *field = place->field;
	size_t size = field_value_bytes(field->type), count = json_array_size(place->value);
	if (!json_is_array(place->value))
		return reader_fail_token(reader, place->value);
	char *elements = arena_zero(reader->arena, count, size);
	size_t *taken = field_count(message, field);
	*(void **)place->to = elements;
	for (size_t at = 0; at < count; at++) {
		const struct json_place element = {field, json_array_get(place->value, at), elements + *taken * size};
		if (place_is_unknown(&element))
			continue;
		enum err err = read_value(reader, &element);
		if (err != ERR_OK)
			return err;
		++*taken;
	}
	return ERR_OK;
}

static enum err read_field(struct json_reader *reader, ProtobufCMessage *message, const struct json_place *place)
{
	const ProtobufCFieldDescriptor *field = place->field;
	uint32_t *chosen = field_at(message, field->quantifier_offset);
	bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(reader, message, place);
	if (is_oneof && *chosen != 0)
		return reader_fail(
		    reader,
		    arena_format(reader->arena, "proto: error parsing \"%s\", its oneof is already set", field->name));
	if (is_oneof)
		*chosen = field->id;
	else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && field->quantifier_offset != 0)
		*(protobuf_c_boolean *)field_at(message, field->quantifier_offset) = 1;
	return read_value(reader, place);
}

static enum err read_members(struct json_reader *reader, const json_t *object, ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const char *name;
	json_t *value;
	uint64_t seen = 0;
	check(type->n_fields <= 64);
	json_object_foreach((json_t *)object, name, value)
	{
		const ProtobufCFieldDescriptor *field = reader_find(type, name);
		if (field == NULL)
			continue;
		uint64_t bit = (uint64_t)1 << (field - type->fields);
		if ((seen & bit) != 0)
			return reader_fail(reader, arena_format(reader->arena, "proto: duplicate field \"%s\"", name));
		seen |= bit;
		const struct json_place place = {field, value, field_at(message, field->offset)};
		bool says = !json_is_null(value) && !place_is_unknown(&place);
		enum err err = says ? read_field(reader, message, &place) : ERR_OK;
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static enum err read_message(struct json_reader *reader, const ProtobufCMessageDescriptor *type, const json_t *object,
                             ProtobufCMessage **ret_message)
{
	if (!json_is_object(object))
		return reader_fail_token(reader, object);
	if (++reader->depth > PROTO_JSON_DEPTH_MAX)
		return reader_fail(reader, arena_format(reader->arena, "proto: exceeded maximum recursion depth"));
	ProtobufCMessage *message = arena_take(reader->arena, type->sizeof_message);
	protobuf_c_message_init(type, message);
	enum err err = read_members(reader, object, message);
	reader->depth--;
	*ret_message = message;
	return err;
}

/* ---- the text ---- */

/* jansson's integers are signed: a longer one becomes a string, which says the same. False: it is no such integer. */
static bool text_quote_number(struct buffer *text, size_t end)
{
	size_t begin = end;
	while (begin > 0 && isdigit(text->data[begin - 1]))
		begin--;
	if (begin == end || (end < text->size && memchr(".eE", text->data[end], 3) != NULL))
		return false;
	begin -= begin > 0 && text->data[begin - 1] == '-';
	buffer_put(text, BYTES_LITERAL("  "));
	memmove(text->data + end + 2, text->data + end, text->size - 2 - end);
	memmove(text->data + begin + 1, text->data + begin, end - begin);
	text->data[begin] = text->data[end + 1] = '"';
	return true;
}

static json_t *text_parse(struct bytes bytes, json_error_t *error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL;
	json_t *value = json_loadb((const char *)bytes.data, bytes.size, flags, error);
	if (value != NULL || json_error_code(error) != json_error_numeric_overflow)
		return value;
	AUTO_BUFFER struct buffer text;
	buffer_init(&text, bytes.size + 2 * JSON_LONG_NUMBERS_MAX);
	buffer_put(&text, bytes);
	for (int turn = 0; turn < JSON_LONG_NUMBERS_MAX && value == NULL; turn++) {
		bool is_long = json_error_code(error) == json_error_numeric_overflow;
		if (!is_long || !text_quote_number(&text, (size_t)error->position))
			break;
		value = json_loadb((const char *)text.data, text.size, flags, error);
	}
	return value;
}

static bool text_is_space(struct bytes text)
{
	size_t at = 0;
	while (at < text.size && memchr(" \t\r\n", text.data[at], 4) != NULL)
		at++;
	return at == text.size;
}

/* At least: a comma within a string counts too. */
static size_t text_values(struct bytes text)
{
	size_t count = 1;
	for (size_t at = 0; at < text.size; at++)
		count += text.data[at] == ',' || text.data[at] == '[' || text.data[at] == '{';
	return count;
}

static enum err reader_fail_syntax(struct json_reader *reader, const json_error_t *error)
{
	if (json_error_code(error) == json_error_premature_end_of_input)
		return reader_fail(reader, arena_format(reader->arena, "unexpected EOF"));
	return reader_fail(reader, arena_format(reader->arena, "proto: syntax error (line %d:%d): %s", error->line,
	                                        error->column, error->text));
}

static enum err reader_run(struct json_reader *reader, const ProtobufCMessageDescriptor *type, struct bytes text,
                           ProtobufCMessage **ret_message)
{
	json_error_t error;
	if (text_values(text) > PROTO_JSON_VALUES_MAX)
		return reader_fail(reader, arena_format(reader->arena, "proto: more than %d values in one message",
		                                        PROTO_JSON_VALUES_MAX));
	json_t *value = text_is_space(text) ? json_object() : text_parse(text, &error);
	if (value == NULL)
		return reader_fail_syntax(reader, &error);
	enum err err = read_message(reader, type, value, ret_message);
	json_decref(value);
	return err;
}

enum err proto_json_read(const ProtobufCMessageDescriptor *type, struct bytes text, struct arena *arena,
                         ProtobufCMessage **ret_message, const char **ret_why)
{
	struct json_reader reader = {.arena = arena};
	ProtobufCMessage *message;
	enum err err = reader_run(&reader, type, text, &message);
	if (err == ERR_OK)
		*ret_message = message;
	else
		*ret_why = reader.why;
	return err;
}

/* ---- values behind each other ---- */

static void cutter_in_string(struct proto_json_cutter *cutter, uint8_t byte)
{
	if (cutter->escaped)
		cutter->escaped = false;
	else if (byte == '\\')
		cutter->escaped = true;
	else if (byte == '"')
		cutter->in_string = false;
}

/* True: it is the last one of a value. */
static bool cutter_take(struct proto_json_cutter *cutter, uint8_t byte)
{
	if (cutter->in_string) {
		cutter_in_string(cutter, byte);
		return false;
	}
	switch (byte) {
	case '{':
	case '[':
		cutter->depth++;
		return false;
	case '}':
	case ']':
		cutter->depth -= cutter->depth != 0;
		return cutter->depth == 0;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return false;
	case '"':
		cutter->in_string = cutter->depth != 0;
		return cutter->depth == 0;
	default:
		return cutter->depth == 0;
	}
}

bool proto_json_cut(struct proto_json_cutter *cutter, struct bytes text, size_t *ret_size)
{
	while (cutter->seen < text.size)
		if (cutter_take(cutter, text.data[cutter->seen++])) {
			*ret_size = cutter->seen;
			*cutter = (struct proto_json_cutter){0};
			return true;
		}
	return false;
}
