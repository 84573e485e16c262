/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as JSON, from protobuf-c's descriptors: one encoder for all messages, with no field names in it.
 *
 * Members have the names of the fields (snake_case). Every scalar is there, zero or not; a message that is not set is left
 * out. 64-bit integers are numbers. Enumerations are their names. Bytes that are UTF-8 are a string; other bytes are in
 * base64 (RFC 4648 §4), under the field's name with "_base64" after it.
 */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/* A new reference: the caller's. */
json_t *json_of_message(const ProtobufCMessage *message);
