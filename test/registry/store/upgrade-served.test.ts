/** A database that the code of version 0.1.0 made, served by this version: on each SQLite engine, and on D1. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from '@hono/zod-openapi';
import { silentLog } from '../../../src/log.ts';
import { Enrolled, HostList, PeerList, TokenList } from '../../../src/registry/wire.ts';
import { startEngine } from '../engines/engine.ts';
import { someKey } from '../lab.ts';

const FIXTURES = join(import.meta.dirname, 'fixtures');
/** When it was made, and a minute. */
const NOW = Date.UTC(2026, 0, 1, 0, 1);

interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What 0.1.0 told of it. */
const Facts = z.object({
  adminKey: z.string(),
  token: z.string(),
  hostKeys: z.record(z.string(), z.string()),
  etag: z.string(),
  peers: z.object({ version: z.number(), peers: z.array(z.looseObject({ name: z.string() })) }),
});

test('what version 0.1.0 has served goes on: hosts, keys, tokens, names, addresses and what each host has seen', async (t) => {
  const facts = Facts.parse(JSON.parse(await readFile(join(FIXTURES, '0.1.0.json'), 'utf8')));
  const dump = (await readFile(join(FIXTURES, '0.1.0.sql'), 'utf8')).replaceAll(/^--.*\n/gm, '');
  const folder = await mkdtemp(join(tmpdir(), 'peerage-upgrade-'));
  const registry = await startEngine({
    databaseFile: join(folder, 'registry.db'),
    log: silentLog,
    wall: () => NOW,
    statements: dump.split(/;\n/).filter((statement) => statement !== ''),
  });
  t.after(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });
  await registry.tellTime?.();
  const ask = async (as: string | undefined, path: string, init: AskOptions = {}) => {
    const headers = { accept: 'application/json', authorization: `Bearer ${as}`, ...init.headers };
    const answer = await fetch(registry.url + path, { ...init, headers });
    return { status: answer.status, etag: answer.headers.get('etag'), text: await answer.text() };
  };
  const read = async <T>(schema: z.ZodType<T>, as: string | undefined, path: string): Promise<T> => {
    const { status, text } = await ask(as, path);
    assert.equal(status, 200, text);
    return schema.parse(JSON.parse(text));
  };
  const { dolores, teddy } = facts.hostKeys;

  assert.equal(registry.adminKey, undefined, 'it has an administrator');
  const { hosts } = await read(HostList, facts.adminKey, '/v1/networks/home/hosts');
  assert.deepEqual(
    hosts.map(({ name, observedEndpoint }) => [name, observedEndpoint]),
    [
      ['bernard', null],
      ['charlotte', null],
      ['dolores', null],
      ['maeve', '203.0.113.5:51000'],
    ],
  );
  const known = await ask(dolores, '/v1/peers', { headers: { 'if-none-match': facts.etag } });
  assert.equal(known.status, 200, 'an ETag of 0.1.0 is none of ours');
  const { peers, version } = PeerList.parse(JSON.parse(known.text));
  assert.ok(version >= facts.peers.version);
  // What 0.1.0 told of each peer is told of it now, among other things.
  assert.partialDeepStrictEqual(peers, facts.peers.peers);
  const again = await ask(dolores, '/v1/peers', { headers: { 'if-none-match': known.etag ?? '' } });
  assert.equal(again.status, 304);
  const difference = await read(PeerList, dolores, `/v1/peers?since=${facts.peers.version}`);
  assert.deepEqual(difference.removed, [], 'a host that knew everything misses nothing');
  assert.equal((await ask(teddy, '/v1/peers')).status, 401, 'who was removed stays removed');

  const { tokens } = await read(TokenList, facts.adminKey, '/v1/networks/home/tokens');
  assert.deepEqual(new Set(tokens.map(({ remaining }) => remaining)), new Set([0, 7]));
  const enrolment = await ask(facts.token, '/v1/enroll', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ford', publicKey: someKey() }),
  });
  assert.equal(enrolment.status, 201, enrolment.text);
  const { host } = Enrolled.parse(JSON.parse(enrolment.text));
  assert.ok(host.addresses.length === 2 && hosts.every(({ addresses }) => !addresses.includes(host.addresses[0]!)));
  const change = await read(PeerList, dolores, `/v1/peers?since=${version}`);
  assert.deepEqual(
    change.peers.map(({ name }) => name),
    ['ford'],
  );
});
