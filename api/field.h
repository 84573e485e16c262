/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of messages, by protobuf-c's descriptors. */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* Of one value of this type in a message, or in a repeated field's array. */
size_t field_value_bytes(ProtobufCType type);
/* proto3: `optional` has a flag of its own, a oneof has the number of the member that is set; others are always set. */
bool field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

static inline void *field_at(const ProtobufCMessage *message, unsigned offset)
{
	return (char *)message + offset;
}

/* Of a repeated field. */
static inline size_t *field_count(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return field_at(message, field->quantifier_offset);
}
