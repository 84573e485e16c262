# SPDX-License-Identifier: Apache-2.0
"""Clients that change keys at every node, and remember what they were answered."""

import itertools
import os
import random
import threading
import time

import grpc

from harness import Worker, save
from wire import Channel

CALL_SECONDS = 3
FAILED_SECONDS = 0.05
SMALL, LARGE, LARGE_BYTES, TXN_KEYS = 20, 12, 100_000, 15
FOLDERS = (b"/w/a/", b"/w/b/")


class Writers:
    def __init__(self, wire, cluster, count, pause):
        self._wire, self._cluster, self._pause = wire, cluster, pause
        self._numbers, self._lock = itertools.count(), threading.Lock()
        self.answers, self.refused = [], 0  # (revision, {key: value}, keys deleted)
        self._workers = [Worker(self._step) for _ in range(count)] + [Worker(self._save)]

    def stop(self):
        for worker in self._workers:
            worker.stop()

    def _value(self, size=0):
        return f"unique {next(self._numbers)} ".encode().ljust(size, b"x")

    def _step(self):
        node = random.choice(self._cluster.nodes)
        channel = Channel(self._wire, f"127.0.0.1:{node.client_port}")
        try:
            for _ in range(20):
                random.choice((self._put, self._put, self._put, self._delete, self._txn, self._txn, self._guarded,
                               self._delete_folder, self._large))(channel)
                time.sleep(self._pause)
        except grpc.RpcError:
            self.refused += 1
            time.sleep(FAILED_SECONDS)
        finally:
            channel.close()

    def _ask(self, channel, method, **fields):
        message = self._wire.make(self._wire.method(method).input_type, fields)
        return channel.unary(method, message, seconds=CALL_SECONDS)

    def _key(self):
        return random.choice(FOLDERS) + str(random.randrange(SMALL)).encode()

    def _note(self, revision, puts, deletes=()):
        with self._lock:
            self.answers.append((revision, puts, set(deletes)))

    def _put(self, channel):
        puts = {self._key(): self._value()}
        for key, value in puts.items():
            self._note(self._ask(channel, "KV.Put", key=key, value=value).header.revision, puts)

    def _delete(self, channel):
        key = self._key()
        answer = self._ask(channel, "KV.DeleteRange", key=key)
        if answer.deleted:
            self._note(answer.header.revision, {}, [key])

    def _delete_folder(self, channel):
        folder = random.choice(FOLDERS)
        answer = self._ask(channel, "KV.DeleteRange", key=folder + b"1", range_end=folder + b"2", prev_kv=True)
        if answer.deleted:
            self._note(answer.header.revision, {}, [kv.key for kv in answer.prev_kvs])

    def _txn(self, channel):
        keys = {self._key() for _ in range(random.randrange(1, TXN_KEYS))}
        puts = {key: self._value() for key in keys if random.randrange(4)}
        ops = [{"request_put": {"key": key, "value": puts[key]}} if key in puts else {"request_delete_range": {"key": key}}
               for key in keys]
        answer = self._ask(channel, "KV.Txn", success=ops)
        if puts or any(one.response_delete_range.deleted for one in answer.responses):
            self._note(answer.header.revision, puts, keys - set(puts))

    def _guarded(self, channel):
        """Puts if nobody else has since it looked."""
        key, value = self._key(), self._value()
        found = self._ask(channel, "KV.Range", key=key).kvs
        compare = {"key": key, "target": "MOD", "result": "EQUAL", "mod_revision": found[0].mod_revision if found else 0}
        answer = self._ask(channel, "KV.Txn", compare=[compare], success=[{"request_put": {"key": key, "value": value}}])
        if answer.succeeded:
            self._note(answer.header.revision, {key: value})

    def _large(self, channel):
        if random.randrange(5):
            return
        puts = {f"/w/large/{number}".encode(): self._value(LARGE_BYTES) for number in range(LARGE)}
        answer = self._ask(channel, "KV.Txn",
                           success=[{"request_put": {"key": key, "value": value}} for key, value in puts.items()])
        self._note(answer.header.revision, puts)

    def _save(self):
        """A file is saved, moved or removed in a mount."""
        folder = random.choice(self._cluster.nodes) / "w/saved"
        name = folder / str(random.randrange(5))
        try:
            random.choice((self._save_file, self._save_file, os.unlink, self._move))(name)
        except OSError:
            time.sleep(FAILED_SECONDS)
        time.sleep(4 * self._pause)

    def _save_file(self, path):
        save(path, f"saved {next(self._numbers)}")

    @staticmethod
    def _move(path):
        os.rename(path, path.with_name(str(random.randrange(5))))
