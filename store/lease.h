/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: what is granted, how much of it is left, and which keys hang on it. When one ends is the leader's to say, by a command.
 * Source: etcd lease/lessor.go.
 */
#pragma once

#include "store/edit.h"

/* ERR_LEASE_EXISTS, ERR_INVALID. */
enum err lease_grant(struct batch *batch, int64_t id, int64_t ttl_s) MUST_USE;
/* Deletes its keys in one revision, in their order, however many there are. The batch is not dirty. ERR_LEASE_NOT_FOUND. */
enum err lease_revoke(struct batch *batch, int64_t id, struct kv_change *change, bool *ret_changed) MUST_USE;
/* ERR_LEASE_NOT_FOUND. */
enum err lease_checkpoint(struct batch *batch, const struct kv_lease_left *left) MUST_USE;
bool lease_exists(struct batch *batch, int64_t id);
/* As it is now; it exists. */
struct kv_lease lease_now(struct batch *batch, int64_t id);
