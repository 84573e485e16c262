// SPDX-License-Identifier: Apache-2.0
// What test_npm_etcd3.py runs in Node.js: NODE_PATH has the npm package etcd3, the arguments are the nodes' URLs. Where the cluster
// is to be disturbed it says so on a line of its own, and waits for a line.
'use strict';
const assert = require('assert');
const readline = require('readline');
const { Etcd3, EtcdLockFailedError } = require('etcd3');

const hosts = process.argv.slice(2);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const clientOf = (number) => new Etcd3({ hosts: hosts[number], dialTimeout: 5000 });
const client = new Etcd3({ hosts });
const [first, second, third] = hosts.map((_, number) => clientOf(number));

async function disturb(what) {
  console.log(`disturb ${what}`);
  await lines.next();
}

async function until(condition, what) {
  for (const end = Date.now() + 30000; !(await condition()); await new Promise((go) => setTimeout(go, 20)))
    assert(Date.now() < end, `not within 30 s: ${what}`);
}

async function keysArePutFoundAndDeleted() {
  await first.put('/js/a').value('one');
  await second.put('/js/b').value(2);
  assert.strictEqual(await third.get('/js/a').string(), 'one');
  assert.strictEqual(await third.get('/js/b').number(), 2);
  assert.strictEqual(await third.get('/js/none'), null);
  assert.deepStrictEqual(await first.getAll().prefix('/js/').strings(), { '/js/a': 'one', '/js/b': '2' });
  assert.deepStrictEqual(await second.getAll().prefix('/js/').sort('Key', 'Descend').keys(), ['/js/b', '/js/a']);
  assert.strictEqual(await second.getAll().prefix('/js/').count(), 2);
  const before = await first.put('/js/a').value('1').getPrevious();
  assert.strictEqual(before.value.toString(), 'one');
  const deleted = await third.delete().prefix('/js/');
  assert.strictEqual(deleted.deleted, '2');
}

async function transactionsAreAllOrNothing() {
  await client.put('/txn/a').value('x');
  const swap = (node, value, put) => node.if('/txn/a', 'Value', '==', value)
    .then(node.put('/txn/a').value(put), node.put('/txn/b').value(put))
    .else(node.get('/txn/a')).commit();
  assert((await swap(first, 'x', 'y')).succeeded);
  const refused = await swap(second, 'x', 'z');
  assert(!refused.succeeded);
  assert.strictEqual(refused.responses[0].response_range.kvs[0].value.toString(), 'y');
  assert.strictEqual(await third.get('/txn/b').string(), 'y');
}

async function softwareTransactionsLoseNothing() {
  await client.put('/stm').value(0);
  const raise = (node) => node.stm({ retries: 1000 }).transact(async (tx) => tx.put('/stm').value((await tx.get('/stm').number()) + 1));
  const all = [];
  for (let count = 0; count < 10; count++) all.push(raise(first), raise(second), raise(third));
  await Promise.all(all);
  assert.strictEqual(await first.get('/stm').number(), 30);
}

async function watchesGoOnOverAFailure() {
  const told = [], folder = [];
  const one = await client.watch().key('/watched/1').create();
  const all = await third.watch().prefix('/watched/').withPreviousKV().create();
  one.on('put', (kv) => told.push(Number(kv.value)));
  all.on('put', (kv, before) => folder.push([Number(kv.value), before && Number(before.value)]));
  for (let value = 0; value < 50; value++) await second.put('/watched/1').value(value);
  await disturb('kill leader');
  for (let value = 50; value < 100; value++) await client.put('/watched/1').value(value).catch(() => value--);
  await until(() => told.includes(99) && folder.some(([value]) => value === 99), 'the last value is told');
  const rising = (values) => values.every((value, at) => at === 0 || value >= values[at - 1]);
  for (const values of [told, folder.map(([value]) => value)]) {
    assert(rising(values), `in order: ${values}`);
    assert.strictEqual(new Set(values).size, 100, 'each of them');
  }
  folder.slice(1).forEach(([, before], at) => assert.strictEqual(before, folder[at][0]));
  await one.cancel();
  await all.cancel();
}

async function leasesTakeTheirKeysAlong() {
  const lease = first.lease(10);
  await lease.put('/leased/a').value('1');
  const id = await lease.grant();
  const about = await second.leaseClient.leaseTimeToLive({ ID: id, keys: true });
  assert.deepStrictEqual(about.keys.map(String), ['/leased/a']);
  await lease.keepaliveOnce();
  await disturb('move leader');
  await lease.keepaliveOnce();
  await lease.revoke();
  assert.strictEqual(await third.get('/leased/a'), null);
  const short = second.lease(1, { autoKeepAlive: false });
  await short.put('/leased/b').value('1');
  await until(async () => (await first.get('/leased/b')) === null, 'one that is not kept alive ends');
}

async function aLockHasOneHolder() {
  let holders = 0;
  await client.put('/counter').value(0);
  const count = async (node) => {
    for (let done = 0; done < 10;) {
      const lock = node.lock('counter');
      try {
        await lock.acquire();
      } catch (error) {
        if (!(error instanceof EtcdLockFailedError)) throw error;
        continue;
      }
      assert.strictEqual(++holders, 1, 'one at a time');
      await node.put('/counter').value((await node.get('/counter').number()) + 1);
      done++;
      holders--;
      await lock.release();
    }
  };
  await Promise.all([count(first), count(second), count(third)]);
  assert.strictEqual(await client.get('/counter').number(), 30);
}

async function elected(campaign) {
  await campaign.wait();
  return campaign;
}

async function anElectionHasOneLeader() {
  const seen = [];
  const observer = await third.election('mayor', 5).observe();
  observer.on('change', (name) => seen.push(name));
  const one = await elected(first.election('mayor', 5).campaign('one'));
  const other = second.election('mayor', 5).campaign('other');
  let isElected = false;
  other.on('elected', () => { isElected = true; });
  await until(() => observer.leader() === 'one', 'the first one is seen to lead');
  await one.proclaim('one, again');
  await until(() => observer.leader() === 'one, again', 'what it proclaims is seen');
  assert(!isElected, 'the other one waits');
  await one.resign();
  await until(() => isElected && observer.leader() === 'other', 'the other one follows');
  assert.strictEqual(await first.election('mayor', 5).leader(), 'other');
  await other.resign();
  await observer.cancel();
  assert.deepStrictEqual(seen.filter(Boolean), ['one', 'one, again', 'other']);
}

async function theClusterTellsOfItself() {
  const { members } = await client.cluster.memberList({});
  assert.deepStrictEqual(members.map((member) => member.name).sort(), ['n1', 'n2', 'n3']);
  const status = await first.maintenance.status();
  assert(members.some((member) => member.ID === status.leader), 'its leader is one of them');
}

(async () => {
  for (const each of [keysArePutFoundAndDeleted, transactionsAreAllOrNothing, softwareTransactionsLoseNothing, aLockHasOneHolder,
    anElectionHasOneLeader, watchesGoOnOverAFailure, leasesTakeTheirKeysAlong, theClusterTellsOfItself]) {
    await each();
    console.log(`ok ${each.name}`);
  }
  console.log('done');
  process.exit(0);
})().catch((error) => {
  console.log(error.stack);
  process.exit(1);
});
