/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of strangers, from protobuf's bytes. */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"

/* Messages within messages: a transaction of etcd's has 256 at most. protobuf-c takes the stack for each, and knows no end. */
enum { UNPACK_DEPTH_MAX = 300 };

/* In the arena. NULL: it is none of this type, or is nested too deeply. */
ProtobufCMessage *unpack_message(const ProtobufCMessageDescriptor *type, struct bytes bytes, struct arena *arena);
