/** A registry whose disk is full: it says so, loses nothing, goes on answering who only reads, and writes again when there is room. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { z } from '@hono/zod-openapi';
import { programOptions, USER_NAMESPACE } from '../../interop/lab/requirements.ts';
import { Problem } from '../../../src/registry/problem.ts';
import { isEdge } from '../engines/engine.ts';
import { someKey } from '../lab.ts';
import { bundleRegistry, startRegistryProcess } from './registry-process.ts';

/** A small disk that nobody else sees, gone with the process. The folder is "$0", its size "$1", what it runs the rest. */
const ON_SMALL_DISK = 'size=$1; shift; mount -t tmpfs -o "size=$size" tmpfs "$0" && exec "$@"';
const BALLAST_BYTES = 8_000_000;
const SERVE_EDGE = join(import.meta.dirname, 'serve-edge.ts');

test(
  'a full disk is a 507, what was acknowledged stays, and with room again the registry writes',
  programOptions('unshare', 'mount'),
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'peerage-disk-'));
    t.after(() => rm(folder, { recursive: true }));
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const registry = await startRegistryProcess([
      'unshare',
      ...USER_NAMESPACE,
      '--mount',
      'sh',
      '-c',
      ON_SMALL_DISK,
      disk,
      ...(isEdge
        ? ['4m', process.execPath, SERVE_EDGE, disk]
        : ['2m', ...(await bundleRegistry(folder)), join(disk, 'registry.db')]),
    ]);
    t.after(() => registry.kill());
    const ask = async (method: string, path: string, as = registry.adminKey, body?: object) => {
      const headers = {
        authorization: `Bearer ${as}`,
        accept: 'application/json',
        'content-type': 'application/json',
      };
      const answer = await fetch(registry.url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: answer.status, text: await answer.text() };
    };
    const expect = (status: number, answer: { status: number; text: string }): unknown => {
      assert.equal(answer.status, status, answer.text);
      return answer.text === '' ? undefined : JSON.parse(answer.text);
    };
    expect(201, await ask('POST', '/v1/networks', undefined, { name: 'home' }));
    const brief = expect(201, await ask('POST', '/v1/networks/home/tokens', undefined, { ephemeral: true }));
    const { token: briefToken } = z.object({ token: z.string() }).parse(brief);
    const delos = { name: 'delos', publicKey: someKey() };
    const enrolled = expect(201, await ask('POST', '/v1/enroll', briefToken, delos));
    const { hostKey: briefKey } = z.object({ hostKey: z.string() }).parse(enrolled);
    const made = expect(201, await ask('POST', '/v1/networks/home/tokens', undefined, { uses: 1000 }));
    const { token } = z.object({ token: z.string() }).parse(made);
    const names: string[] = [];
    const enrol = async () => {
      const answer = await ask('POST', '/v1/enroll', token, { name: `host-${names.length}`, publicKey: someKey() });
      if (answer.status === 201) names.push(`host-${names.length}`);
      return answer;
    };
    const { hostKey } = z.object({ hostKey: z.string() }).parse(expect(201, await enrol()));

    // The registry sees its disk where it is; the rest of the machine only through the process.
    const ballast = join('/proc', String(registry.pid), 'root', disk, 'ballast');
    await assert.rejects(writeFile(ballast, new Uint8Array(BALLAST_BYTES)), { code: 'ENOSPC' });
    let answer = await enrol();
    // What SQLite's log has room for already still gets in.
    for (let i = 0; i < 500 && answer.status === 201; i++) answer = await enrol(); // oxlint-disable-line no-await-in-loop
    const problem = Problem.parse(expect(507, answer));
    assert.equal(problem.type, 'urn:peerage:problem:storage-full');
    assert.doesNotMatch(answer.text, /registry\.db|SQLITE|insert/i, 'it says nothing of its insides');
    expect(507, await enrol());
    // One of them would be noted as seen. workerd has closed the database, and finds no room to open it for reading either.
    const readable = isEdge ? 507 : 200;
    for (const key of [hostKey, briefKey]) expect(readable, await ask('GET', '/v1/peers', key));
    const listed = z.object({ hosts: z.array(z.object({ name: z.string() })) });
    const hosts = async () => {
      const list = listed.parse(expect(200, await ask('GET', '/v1/networks/home/hosts')));
      return list.hosts.map(({ name }) => name).toSorted();
    };
    if (!isEdge) assert.deepEqual(await hosts(), [...names, 'delos'].toSorted());

    await rm(ballast);
    assert.deepEqual(await hosts(), [...names, 'delos'].toSorted());
    expect(201, await enrol());
    for (const key of [hostKey, briefKey]) expect(200, await ask('GET', '/v1/peers', key));
    assert.deepEqual(await hosts(), [...names, 'delos'].toSorted());
    const { tokens } = z
      .object({ tokens: z.array(z.object({ remaining: z.number() })) })
      .parse(expect(200, await ask('GET', '/v1/networks/home/tokens')));
    assert.equal(tokens[0]?.remaining, 1000 - names.length, 'what failed has cost no use');
  },
);
