/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of the methods; their table is in api/method.c. What they do is said in api/control.proto. */
#pragma once

#include "api/call.h"

enum err method_status(struct call *call, ProtobufCMessage **ret_response);
enum err method_members(struct call *call, ProtobufCMessage **ret_response);

enum err method_member_submit(struct call *call, uint64_t deadline_ns);
enum err method_leader_submit(struct call *call, uint64_t deadline_ns);
enum err method_member(struct call *call, ProtobufCMessage **ret_response);

enum err method_get(struct call *call, ProtobufCMessage **ret_response);
enum err method_put_command(struct call *call, struct kv_command *ret_command);
enum err method_put(struct call *call, ProtobufCMessage **ret_response);
enum err method_delete_command(struct call *call, struct kv_command *ret_command);
enum err method_delete(struct call *call, ProtobufCMessage **ret_response);
enum err method_list(struct call *call, ProtobufCMessage **ret_response);

enum err method_tree(struct call *call, ProtobufCMessage **ret_response);
enum err method_restore_command(struct call *call, struct kv_command *ret_command);
enum err method_restore(struct call *call, ProtobufCMessage **ret_response);
enum err method_apply_command(struct call *call, struct kv_command *ret_command);
enum err method_apply(struct call *call, ProtobufCMessage **ret_response);

enum err method_watch(struct call *call, ProtobufCMessage **ret_response);
enum err method_log(struct call *call, ProtobufCMessage **ret_response);
