/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HashKV and Snapshot. Each works on a view that it pins, and gives the loop back after every piece: a checksum by a task that
 * posts itself again, a snapshot by what its client fetches (rpc_send() says when it has enough).
 *
 * A snapshot is a state as one file (docs/disk-format.md) and its SHA-256, by which `etcdctl snapshot save` knows it as whole.
 */
#include "api/rpc_bulk.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "api/rpc_answer.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/proto.h"

enum {
	BULK_HASH_STEP_BYTES = 1 << 20, /* a fraction of a millisecond */
	BULK_PIECE_BYTES = 32 << 10,    /* of one message of a snapshot: as etcd's */
	BULK_DIGEST_BYTES = 32,
	/* A row, and what a step may have before it. */
	BULK_BUFFER_BYTES_MAX = LIMIT_ENTRY_BYTES + LIMIT_ATTR_BYTES + BULK_PIECE_BYTES + 2 * KV_ARCHIVE_BLOCK_BYTES,
};

/* ---- HashKV ---- */

struct bulk_hash {
	struct reactor_task task; /* posted as long as this lives */
	struct rpc_call *call;    /* NULL: it has ended */
	struct kv_digest *digest;
	int64_t revision, compacted, newest;
};

static void bulk_hash_free(struct bulk_hash *hash)
{
	if (hash->call != NULL)
		hash->call->state = NULL;
	kv_digest_free(hash->digest);
	free(hash);
}

static void bulk_hash_answer(struct bulk_hash *hash)
{
	struct rpc_call *call = hash->call;
	Etcdserverpb__HashKVResponse *answer = rpc_answer(call, hash->newest);
	answer->hash = kv_digest_value(hash->digest);
	answer->compact_revision = hash->compacted;
	answer->hash_revision = hash->revision;
	bulk_hash_free(hash);
	rpc_reply(call, &answer->base);
}

static void bulk_hash_run(struct reactor_task *task)
{
	struct bulk_hash *hash = (struct bulk_hash *)task;
	struct rpc_call *call = hash->call;
	bool done = false;
	if (call == NULL) {
		bulk_hash_free(hash);
		return;
	}
	enum err err = kv_digest_step(hash->digest, BULK_HASH_STEP_BYTES, &done);
	if (err != ERR_OK) {
		bulk_hash_free(hash);
		rpc_fail(call, err);
	} else if (done) {
		bulk_hash_answer(hash);
	} else {
		reactor_post(call->service->reactor, &hash->task);
	}
}

void bulk_hash_begin(struct rpc_call *call)
{
	int64_t asked = ((const Etcdserverpb__HashKVRequest *)call->request)->revision;
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	struct bulk_hash *hash = memory_new(sizeof *hash);
	*hash = (struct bulk_hash){.task.run = bulk_hash_run,
	                           .call = call,
	                           .compacted = kv_view_compacted(view),
	                           .newest = kv_view_revision(view)};
	hash->revision = asked > 0 ? asked : hash->newest;
	enum err err = kv_digest_new(view, hash->revision, &hash->digest);
	if (err != ERR_OK) {
		kv_view_close(view);
		free(hash);
		rpc_fail(call, err);
		return;
	}
	call->state = hash;
	reactor_post(call->service->reactor, &hash->task);
}

void bulk_hash_ended(struct rpc_call *call)
{
	struct bulk_hash *hash = call->state;
	if (hash != NULL)
		hash->call = NULL;
}

/* ---- Snapshot ---- */

struct bulk_snapshot {
	struct kv_archive *archive;
	EVP_MD_CTX *digest;
	struct buffer buffer;
	size_t sent; /* of the buffer */
	bool whole;  /* the buffer holds the end of the archive */
	bool closed; /* and the digest */
	Etcdserverpb__ResponseHeader *header;
	uint64_t expected, total; /* bytes: of all, as it is thought; sent so far */
};

/* What the buffer holds next: the archive, and behind it its digest. */
static enum err bulk_snapshot_fill(struct bulk_snapshot *snapshot)
{
	buffer_clear(&snapshot->buffer);
	snapshot->sent = 0;
	if (!snapshot->whole) {
		enum err err =
		    kv_archive_step(snapshot->archive, BULK_PIECE_BYTES, &snapshot->buffer, &snapshot->whole);
		if (err == ERR_OK)
			check(EVP_DigestUpdate(snapshot->digest, snapshot->buffer.data, snapshot->buffer.size) == 1);
		return err;
	}
	uint8_t digest[BULK_DIGEST_BYTES];
	check(EVP_DigestFinal_ex(snapshot->digest, digest, NULL) == 1);
	buffer_put(&snapshot->buffer, bytes_of(digest, sizeof digest));
	snapshot->closed = true;
	return ERR_OK;
}

/* How much is yet to come nobody knows before it was read: the size on the disk is a guess, but 0 is the truth. */
static uint64_t bulk_snapshot_remaining(const struct bulk_snapshot *snapshot, size_t size)
{
	if (snapshot->closed)
		return 0;
	uint64_t with = snapshot->total + size;
	return snapshot->expected > with + BULK_DIGEST_BYTES ? snapshot->expected - with : BULK_DIGEST_BYTES;
}

static enum err bulk_snapshot_piece(struct rpc_call *call, struct bulk_snapshot *snapshot)
{
	Etcdserverpb__SnapshotResponse response = ETCDSERVERPB__SNAPSHOT_RESPONSE__INIT;
	struct bytes rest = bytes_from(buffer_bytes(&snapshot->buffer), snapshot->sent);
	rest.size = rest.size < BULK_PIECE_BYTES ? rest.size : BULK_PIECE_BYTES;
	response.header = snapshot->header;
	response.blob = proto_data(rest);
	response.version = (char *)RPC_ETCD_STORAGE_VERSION;
	response.remaining_bytes = bulk_snapshot_remaining(snapshot, rest.size);
	enum err err = rpc_send(call, &response.base);
	if (err == ERR_OK) {
		snapshot->sent += rest.size;
		snapshot->total += rest.size;
	}
	return err;
}

void bulk_snapshot_drained(struct rpc_call *call)
{
	struct bulk_snapshot *snapshot = call->state;
	enum err err = ERR_OK;
	while (err == ERR_OK) {
		bool empty = snapshot->sent == snapshot->buffer.size;
		if (empty && snapshot->closed) {
			rpc_finish(call, RPC_OK, "");
			return;
		}
		err = empty ? bulk_snapshot_fill(snapshot) : bulk_snapshot_piece(call, snapshot);
	}
	if (err != ERR_BUSY)
		rpc_fail(call, err);
}

void bulk_snapshot_begin(struct rpc_call *call)
{
	struct kv_stats stats = {0};
	struct bulk_snapshot *snapshot = memory_new(sizeof *snapshot);
	struct kv_view *view = kv_view_open(replica_kv(call->service->replica));
	enum err err = kv_stats(view, &stats);
	*snapshot = (struct bulk_snapshot){.header = rpc_header(call, kv_view_revision(view)),
	                                   .archive = kv_archive_new(view),
	                                   .digest = EVP_MD_CTX_new(),
	                                   .expected = stats.disk_bytes};
	buffer_init(&snapshot->buffer, BULK_BUFFER_BYTES_MAX);
	check(snapshot->digest != NULL && EVP_DigestInit_ex(snapshot->digest, EVP_sha256(), NULL) == 1);
	call->state = snapshot;
	if (err == ERR_OK)
		bulk_snapshot_drained(call);
	else
		rpc_fail(call, err);
}

void bulk_snapshot_ended(struct rpc_call *call)
{
	struct bulk_snapshot *snapshot = call->state;
	kv_archive_free(snapshot->archive);
	EVP_MD_CTX_free(snapshot->digest);
	buffer_fini(&snapshot->buffer);
	free(snapshot);
}
