/** What tests of a restore share: a folder of databases, restores as processes, a registry's client, and two backups that are easily told apart. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { backupDatabase } from '../../../runtime/linux/database-copies.ts';
import { startRegistry } from '../../../runtime/linux/serve-registry.ts';
import { Enrolled, PeerList } from '../../../src/registry/wire.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { fillNetwork } from '../fill-network.ts';
import { someKey } from '../lab.ts';
import { bundleRegistry, type RegistryHost } from '../security/registry-process.ts';

const HOST: RegistryHost = { name: runtime.name, program: process.execPath };
const CHILD = { name: 'restoreByTurns', path: 'test/registry/operations/restore-child.ts' };
const HOSTS = 300;

/** A folder, gone with the test, and the command that restores a database by turns (restore-child.ts). */
export async function startFolder(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-restore-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'child'));
  const command = await bundleRegistry(join(folder, 'child'), HOST, CHILD);
  const file = (name: string) => join(folder, name);
  /** Into r.db. Each line says under which name the old contents are kept. */
  const restore = (times: number, ...files: string[]) => {
    const [program = '', ...args] = [...command, file('r.db'), `${times}`, ...files.map(file)];
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    return {
      gone: once(child, 'close'),
      kill: () => child.kill('SIGKILL'),
      next: async () => String((await lines.next()).value),
    };
  };
  return { folder, file, command, restore };
}

/** The first column of what a query gives. */
export async function select(path: string, query: string): Promise<unknown[]> {
  const database = await runtime.openDatabase(path);
  try {
    return (await database.prepare(query).all()).results.map((row) => Object.values(row)[0]);
  } finally {
    database.close();
  }
}

export function client(url: string, adminKey: string | undefined) {
  const ask = async (method: string, path: string, { as = adminKey, body, etag }: Asked = {}) => {
    const headers = {
      authorization: `Bearer ${as}`,
      accept: 'application/json',
      'content-type': 'application/json',
      ...(etag !== undefined && { 'if-none-match': etag }),
    };
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    return { status: answer.status, etag: answer.headers.get('etag') ?? undefined, text: await answer.text() };
  };
  const get = async (path: string, asked: Asked = {}, status = 200) => {
    const answer = await ask('GET', path, asked);
    assert.equal(answer.status, status, answer.text);
    return answer;
  };
  const add = async (path: string, body: object): Promise<unknown> => {
    const { status, text } = await ask('POST', path, { body });
    assert.equal(status, 201, text);
    return JSON.parse(text);
  };
  const addHost = async (name: string, network = 'home') =>
    Enrolled.parse(await add(`/v1/networks/${network}/hosts`, { name, publicKey: someKey() })).hostKey;
  const peersOf = async (as: string) => PeerList.parse(JSON.parse((await get('/v1/peers', { as })).text));
  return { ask, get, add, addHost, peersOf };
}

interface Asked {
  readonly as?: string | undefined;
  readonly body?: object;
  readonly etag?: string | undefined;
}

/** Sorted. */
export const namesOf = ({ peers }: Pick<PeerList, 'peers'>) => peers.map(({ name }) => name).toSorted();

/**
 * A registry that serves r.db, and two backups: in a.db all hosts of the network end in -a, in b.db in -b. `desk` is the key of a host that both
 * have, beside those.
 */
export async function serveSides(t: TestContext, file: (name: string) => string) {
  const registry = await startRegistry(runtime, { databaseFile: file('r.db'), hostname: '127.0.0.1', port: 0 });
  t.after(() => registry.close());
  const { add, addHost, peersOf } = client(registry.url, registry.adminKey);
  await add('/v1/networks', { name: 'home', ranges: ['10.1.0.0/16'] });
  const database = await runtime.openDatabase(file('r.db'));
  await fillNetwork(database, 1, { hosts: HOSTS, keys: HOSTS });
  database.close();
  const desk = await addHost('desk');
  for (const side of ['a', 'b']) {
    await backupDatabase(runtime, { from: file('r.db'), to: file(`${side}.db`) });
    await select(file(`${side}.db`), `UPDATE hosts SET name = name || '-${side}'`);
  }
  return { registry, peers: () => peersOf(desk) };
}

/** Whether these are the hosts of one of the two backups: gives which. */
export function sideOf(names: readonly unknown[]): string {
  const side = String(names[0]).slice(-1);
  const expected = Array.from({ length: HOSTS }, (_, i) => `host-${i}-${side}`);
  assert.deepEqual(new Set(names), new Set(expected));
  return side;
}
