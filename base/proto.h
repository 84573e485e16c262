/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf-c's allocator over an arena: what it unpacks lives as long as the arena, and is never freed singly. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

static inline void *proto_take(void *arena, size_t size_bytes)
{
	return arena_take(arena, size_bytes);
}

static inline void proto_forget(void *arena, void *memory)
{
	(void)arena;
	(void)memory;
}

static inline ProtobufCAllocator proto_allocator(struct arena *arena)
{
	return (ProtobufCAllocator){.alloc = proto_take, .free = proto_forget, .allocator_data = arena};
}

static inline ProtobufCBinaryData proto_data(struct bytes bytes)
{
	return (ProtobufCBinaryData){.len = bytes.size, .data = (uint8_t *)bytes.data};
}

static inline struct bytes proto_bytes(ProtobufCBinaryData data)
{
	return bytes_of(data.data, data.len);
}
