/** A backup comes back while the registry serves: processes of their own, real sockets and real curl, on the runtime that runs this test. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { backupDatabase } from '../../../runtime/linux/database-copies.ts';
import { CreatedToken, HostConfig, PeerList } from '../../../src/registry/wire.ts';
import { programOptions, USER_NAMESPACE } from '../../interop/lab/requirements.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { isEdge } from '../engines/engine.ts';
import { someKey } from '../lab.ts';
import { bundleRegistry, startRegistryProcess } from '../security/registry-process.ts';
import { client, namesOf, select, serveSides, sideOf, startFolder } from './restore-lab.ts';

const WAITING = 10;
const WRITERS = 4;
/** On each engine; a few on Node 22 and 26, which have that of Node 24, and beside workerd, which has no part in it. */
const KILLS =
  !isEdge && ('bun' in process.versions || 'deno' in process.versions || process.version.startsWith('v24.')) ? 20 : 3;
/** Of serveSides, but for the one that asks. */
const NAMES = "SELECT name FROM hosts WHERE name GLOB 'host-*'";

test('hosts that wait hear of it, writers go on, and nothing that was acknowledged is in neither', async (t) => {
  const { folder, file, restore } = await startFolder(t);
  const registry = await startRegistryProcess([...(await bundleRegistry(folder)), file('r.db')]);
  t.after(() => registry.kill());
  const { ask, get, add, addHost, peersOf } = client(registry.url, registry.adminKey);
  await add('/v1/networks', { name: 'home', ranges: ['10.1.0.0/16'] });
  await add('/v1/networks', { name: 'work', ranges: ['10.64.0.0/16'] });
  const { token } = CreatedToken.parse(await add('/v1/networks/work/tokens', { uses: 10_000 }));
  const hosts: string[] = [];
  for (let i = 0; i < WAITING; i++) hosts.push(await addHost(`host-${i}`));
  const deleted = await addHost('deleted');
  await backupDatabase(runtime, { from: file('r.db'), to: file('b.db') });
  const late = await addHost('late');
  assert.equal((await ask('DELETE', '/v1/networks/home/hosts/deleted')).status, 204);
  await get('/v1/peers', { as: deleted }, 401);
  const told = await peersOf(hosts[0]!);
  assert.deepEqual(namesOf(told).slice(-2), ['host-9', 'late']);
  const paths = ['/v1/peers', '/v1/config?format=json', '/v1/networks/home/zone'];
  const etags = await Promise.all(paths.map(async (path) => (await get(path, { as: hosts[0] })).etag));

  // On a slow machine it may take longer than a request waits.
  const listen = async (hostKey: string): Promise<PeerList> => {
    const url = `${registry.url}/v1/peers?since=${told.version}&wait=55`;
    const args = ['-sSf', '-H', `Authorization: Bearer ${hostKey}`, url];
    const list = PeerList.parse(JSON.parse((await promisify(execFile)('curl', args)).stdout));
    return list.version === told.version ? listen(hostKey) : list;
  };
  const waiting = hosts.map(listen);
  await waitFor('all hosts wait', async () => /^peerage_waiting_requests 10$/m.test((await get('/v1/metrics')).text));

  // In the other network, and what no host sees: none of those who wait is woken by it.
  const acknowledged: string[] = [];
  let isRestored = false;
  const write = async (writer: number): Promise<void> => {
    for (let [i, left] = [0, 3]; left > 0; i++) {
      if (isRestored) left--;
      const name = `w${writer}-${i}`;
      const enrolment = { as: token, body: { name, publicKey: someKey() } };
      await delay(20); // below the limits, and few enough for the token, however long it takes
      const answer = await (writer % 2 === 0
        ? ask('POST', '/v1/enroll', enrolment)
        : ask('POST', '/v1/networks/home/tokens', { body: { name } }));
      assert.equal(answer.status, 201, answer.text);
      acknowledged.push(name);
    }
  };
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await waitFor('each writes', () => acknowledged.length > 4 * WRITERS);
  const child = restore(1, 'b.db');
  const { kept } = JSON.parse(await child.next()) as { kept: string };
  isRestored = true;
  await writing;
  assert.deepEqual(await child.gone, [0, null]);

  const written = 'SELECT name FROM hosts UNION ALL SELECT host_name FROM tokens';
  const [before, after] = [new Set(await select(kept, written)), new Set(await select(file('r.db'), written))];
  for (const name of acknowledged) assert(before.has(name) || after.has(name), `${name} was acknowledged and lost`);
  assert(acknowledged.some((name) => before.has(name)) && acknowledged.some((name) => after.has(name)));
  assert(before.has('late') && !after.has('late'));

  for (const list of await Promise.all(waiting)) {
    assert.deepEqual([list.full, list.version > told.version], [true, true]);
    assert.deepEqual([namesOf(list).includes('deleted'), namesOf(list).includes('late')], [true, false]);
  }
  await get('/v1/peers', { as: late }, 401);
  assert.equal(namesOf(await peersOf(deleted)).length, WAITING);
  for (const [i, path] of paths.entries()) await get(path, { as: hosts[0], etag: etags[i] });
  const versions = 'SELECT version FROM networks ORDER BY id';
  const risen = await select(file('r.db'), versions);
  for (const [i, old] of (await select(kept, versions)).entries()) assert(Number(risen[i]) > Number(old));
  // From there on as ever.
  const news = HostConfig.parse(JSON.parse((await get('/v1/config?format=json', { as: hosts[0] })).text));
  await addHost('late');
  const difference = await get(`/v1/peers?since=${news.version}`, { as: hosts[0] });
  const { full, ...list } = PeerList.parse(JSON.parse(difference.text));
  assert.deepEqual([full, namesOf(list)], [false, ['late']]);
});

test(`killed ${KILLS} times anywhere, all is of the one backup or of the other, for who asks the registry, too`, async (t) => {
  const { folder, file, restore } = await startFolder(t);
  const { peers } = await serveSides(t, file);
  assert.deepEqual(await restore(1, 'a.db').gone, [0, null]);
  let { version } = await peers();
  for (let round = 0; round < KILLS; round++) {
    const child = restore(1000, 'b.db', 'a.db');
    for (let i = round % 3; i >= 0; i--) assert.match(await child.next(), /kept/);
    // Anywhere in the next one, or after it: what follows holds for each.
    await delay(Math.random() * 40);
    child.kill();
    await child.gone;
    const list = await peers();
    assert.equal(sideOf(namesOf(list)), sideOf(await select(file('r.db'), NAMES)));
    assert(list.version > version);
    ({ version } = list);
    assert.deepEqual(await select(file('r.db'), 'PRAGMA foreign_key_check'), []);
  }
  assert.deepEqual(await select(file('r.db'), 'PRAGMA integrity_check'), ['ok']);
  const kept = (await readdir(folder)).filter((name) => /\.before-[^.]*\.\d+Z$/.test(name));
  assert(kept.length > KILLS);
  for (const name of kept.toSorted().slice(-3)) sideOf(await select(file(name), NAMES));
});

/**
 * On a disk that nobody else sees, gone with the process: what is run last comes to a database "$0/r.db" with more and more room. What is on the
 * disk after each time is put into a folder "$1/round-N".
 */
const ON_SMALL_DISK = `
  disk=$0 folder=$1 size=$2 step=$3; shift 3
  mount -t tmpfs -o "size=$size" tmpfs "$disk" && cp "$folder/r.db" "$disk" || exit
  round=0 isFull=yes
  while [ $isFull = yes ]; do
    round=$((round + 1)) size=$((size + step))
    mount -o "remount,size=$size" "$disk" || exit
    "$@" && isFull=no
    mkdir "$folder/round-$round" && cp "$disk"/* "$folder/round-$round" || exit
  done`;

test(
  'without room for all of it nothing has changed, however far it came',
  programOptions('unshare', 'mount'),
  async (t) => {
    const { folder, file, command } = await startFolder(t);
    const { registry } = await serveSides(t, file);
    await registry.close();
    await copyFile(file('a.db'), file('r.db'));
    const { size } = await stat(file('r.db'));
    const disk = file('disk');
    await mkdir(disk);
    const script = ['sh', '-c', ON_SMALL_DISK, disk, folder, `${size}`, `${Math.ceil(size / 2)}`];
    const restoring = [...command, join(disk, 'r.db'), '1', file('b.db')];
    const child = spawn('unshare', [...USER_NAMESPACE, '--mount', ...script, ...restoring], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const [said, end] = await Promise.all([text(child.stderr), once(child, 'close')]);
    assert.deepEqual(end, [0, null], said);
    const rounds = (await readdir(folder)).filter((name) => name.startsWith('round-')).length;
    for (let round = 1; round <= rounds; round++) {
      const names = await readdir(file(`round-${round}`));
      const hosts = await select(file(`round-${round}/r.db`), NAMES);
      assert.equal(sideOf(hosts), round === rounds ? 'b' : 'a');
      if (round < rounds)
        assert.deepEqual(
          names.filter((name) => !/^r\.db(-wal|-shm)?$/.test(name)),
          [],
        );
    }
    assert(rounds > 3, `${rounds} were enough`);
    assert.equal(said.match(/^.*UserError: .*(full|no space left|disk I\/O error)/gm)?.length, rounds - 1, said);
  },
);
