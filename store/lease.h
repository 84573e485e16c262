/* SPDX-License-Identifier: Apache-2.0 */
/* Leases: what is granted, and which keys hang on it. When one ends is the leader's to say, by a command. */
#pragma once

#include "store/edit.h"

/* Source: etcd lease/lessor.go. Both: the batch is not dirty. ERR_LEASE_EXISTS, ERR_INVALID. */
enum err lease_grant(struct batch *batch, int64_t id, int64_t ttl_s) MUST_USE;
/* Deletes its keys in one revision, in their order. ERR_LEASE_NOT_FOUND, ERR_LIMIT. */
enum err lease_revoke(struct batch *batch, int64_t id, struct kv_change *change, bool *ret_changed) MUST_USE;
bool lease_exists(struct batch *batch, int64_t id);
