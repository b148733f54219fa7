/**
 * A registry that is killed in the middle of its writing, again and again: what it has acknowledged is there, and nothing is there by
 * half. (SIGKILL leaves what is in the kernel's cache; that a commit reaches the disk is the work of `synchronous = FULL`.)
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { runtime } from '../../runtime/this-runtime.ts';
import { isEdge } from '../engines/engine.ts';
import { someKey } from '../lab.ts';
import { bundleRegistry, startRegistryProcess, type RegistryProcess } from './registry-process.ts';

/** On each engine; some on Node 22 and 26, which have that of Node 24. */
const ROUNDS = 'bun' in process.versions || 'deno' in process.versions || process.version.startsWith('v24.') ? 200 : 20;
const WRITERS = 4;

interface Acknowledged {
  readonly network: string;
  /** Of the tokens that were made, and of the hosts that enrolled with one. */
  readonly names: string[];
}

/** What is killed and started again. */
interface Killed {
  readonly start: () => Promise<RegistryProcess>;
  readonly databaseFile: () => string;
}

test(`a registry that is killed ${ROUNDS} times while it writes has lost nothing that it acknowledged`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-kill-'));
  t.after(() => rm(folder, { recursive: true }));
  const { start, databaseFile } = await (isEdge ? edgeIn(folder) : hostIn(folder));
  let registry = await start();
  const { adminKey } = registry;
  assert(adminKey !== undefined);
  const acknowledged: Acknowledged[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one round after the other
      acknowledged.push(await writeUntilKilled(registry, adminKey, round));
      // oxlint-disable-next-line no-await-in-loop -- and one process after the other
      registry = await start();
    }
  } finally {
    await registry.kill();
  }
  await checkDatabase(databaseFile(), acknowledged);
});

async function hostIn(folder: string): Promise<Killed> {
  const databaseFile = join(folder, 'registry.db');
  const command = [...(await bundleRegistry(folder)), databaseFile];
  return { start: () => startRegistryProcess(command), databaseFile: () => databaseFile };
}

async function edgeIn(folder: string): Promise<Killed> {
  const { bundleRegistryWorker, databaseIn, startEdgeProcess } = await import('./edge-process.ts');
  const script = await bundleRegistryWorker();
  return { start: () => startEdgeProcess(script, folder), databaseFile: () => databaseIn(folder)! }; // it has been written to
}

/** Writers that send one request after the other; the registry is killed when it has acknowledged a few, wherever the rest is then. */
async function writeUntilKilled(registry: RegistryProcess, adminKey: string, round: number): Promise<Acknowledged> {
  const network = `n${round}`;
  const post = (path: string, as: string, body: object): Promise<Record<string, unknown> | undefined> =>
    fetch(registry.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${as}`, accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      .then(
        ({ status, text }) => {
          assert.equal(status, 201, text);
          return JSON.parse(text);
        },
        () => undefined, // it is dead, and at most the beginning of an answer has come
      );
  // The same for each run; a network without one would be drawn anew, until none is free.
  const range = `10.${round}.0.0/24`;
  assert(await post('/v1/networks', adminKey, { name: network, ranges: [range] }), 'a new registry writes');
  const token = await post(`/v1/networks/${network}/tokens`, adminKey, { uses: 10_000 });
  const names: string[] = [];
  const enough = 1 + (round % 7);
  let killed: Promise<void> | undefined;
  const write = async (writer: number): Promise<void> => {
    for (let i = 0; killed === undefined; i++) {
      const name = `w${writer}-${i}`;
      // oxlint-disable-next-line no-await-in-loop -- a writer waits for its answer, as a host does
      const host = await post('/v1/enroll', String(token?.['token']), { name, publicKey: someKey() });
      if (host !== undefined) names.push(name);
      if (names.length >= enough) killed ??= registry.kill();
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  await killed;
  return { network, names };
}

async function checkDatabase(databaseFile: string, acknowledged: readonly Acknowledged[]): Promise<void> {
  const database = await runtime.openDatabase(databaseFile);
  const rows = async (query: string) => (await database.prepare(query).all()).results;
  try {
    assert.deepEqual(await rows('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
    assert.deepEqual(await rows('PRAGMA foreign_key_check'), []);
    const hosts = await rows(
      `SELECT n.name AS network, h.name AS name,
         (SELECT count(*) FROM addresses AS a WHERE a.host_id = h.id) AS addresses,
         (SELECT count(*) FROM credentials AS c WHERE c.host_id = h.id) AS credentials,
         (SELECT count(*) FROM audit WHERE action = 'host.enrol' AND network = n.name AND target = h.name) AS audit
       FROM hosts AS h JOIN networks AS n ON n.id = h.network_id`,
    );
    // Each wholly: not one of its parts without the others.
    for (const host of hosts)
      assert.deepEqual({ ...host, network: '', name: '' }, { network: '', name: '', ...WHOLE }, String(host['name']));
    const kept = new Set(hosts.map(({ network, name }) => `${String(network)} ${String(name)}`));
    for (const { network, names } of acknowledged)
      for (const name of names) assert(kept.has(`${network} ${name}`), `${name} of ${network} was lost`);
    assert.equal(acknowledged.length, ROUNDS);
    // A use is spent for each host that is there, and for no other; and each host has moved the version, which is that of the last.
    const uses = await rows(
      `SELECT 10000 - t.remaining AS spent, n.version AS version,
         (SELECT count(DISTINCT h.version) FROM hosts AS h WHERE h.network_id = n.id) AS moved,
         (SELECT max(h.version) FROM hosts AS h WHERE h.network_id = n.id) AS newest,
         (SELECT max(v.version) FROM tag_versions AS v WHERE v.network_id = n.id) AS tagged,
         (SELECT count(*) FROM hosts AS h WHERE h.network_id = n.id) AS hosts
       FROM tokens AS t JOIN networks AS n ON n.id = t.network_id`,
    );
    assert.equal(uses.length, ROUNDS);
    for (const { spent, moved, version, newest, tagged, hosts: count } of uses) {
      assert.deepEqual([spent, moved], [count, count]);
      if (Number(count) > 0) assert.deepEqual([newest, tagged], [version, version]);
    }
  } finally {
    database.close();
  }
}

const WHOLE = { addresses: 1, credentials: 1, audit: 1 };
