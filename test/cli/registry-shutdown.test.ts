/** How `peerage registry serve` ends, and what its log holds, as a process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { CreatedToken, Enrolled, PeerList } from '../../src/registry/wire.ts';
import { someKey } from '../registry/lab.ts';
import { MAIN } from './peerage.ts';

async function serve(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-shutdown-'));
  const args = ['registry', 'serve', '--db', join(folder, 'r.db'), '--listen', '127.0.0.1:0', '--json'];
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, LOG_LEVEL: 'debug' } });
  const ended = once(child, 'close') as Promise<[number | null, string | null]>;
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  });
  let logged = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (logged += text));
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { url, adminKey } = JSON.parse(line) as { url: string; adminKey: string };
  const ask = (method: string, path: string, credential: string, body?: object) =>
    fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${credential}`,
        accept: 'application/json',
        'content-type': 'application/json',
      },
      ...(body && { body: JSON.stringify(body) }),
    });
  const waiting = async (): Promise<number> => {
    const text = await (await ask('GET', '/v1/metrics', adminKey)).text();
    return Number(/^peerage_waiting_requests (\d+)$/m.exec(text)?.[1]);
  };
  return { child, ended, url, adminKey, ask, waiting, logged: () => logged };
}

describe('the end of a registry', () => {
  test('waiting requests are answered, requests under way finish, it exits with 0, and no secret was logged', async (t) => {
    const { child, ended, adminKey, ask, waiting, logged } = await serve(t);
    await ask('POST', '/v1/networks', adminKey, { name: 'home' });
    const made = await ask('POST', '/v1/networks/home/tokens', adminKey, { uses: 50 });
    const { token } = CreatedToken.parse(await made.json());
    const enrol = async (name: string) => {
      const answer = await ask('POST', '/v1/enroll', token, { name, publicKey: someKey() });
      return Enrolled.parse(await answer.json()).hostKey;
    };
    const keys = await Promise.all(Array.from({ length: 8 }, (_, i) => enrol(`host-${i}`)));
    const { version } = PeerList.parse(await (await ask('GET', '/v1/peers', keys[0]!)).json());
    const polls = keys.map(async (key) => (await ask('GET', `/v1/peers?since=${version}&wait=55`, key)).status);
    while ((await waiting()) < keys.length) await setTimeout(10);
    child.kill('SIGTERM');
    assert.deepEqual(
      await Promise.all(polls),
      keys.map(() => 200),
    );
    assert.deepEqual(await ended, [0, null]);
    const lines = logged();
    assert(/"route":"\/v1\/enroll"/.test(lines), lines);
    for (const secret of [adminKey, token, ...keys]) assert(!lines.includes(secret.slice(14, 40)));
  });

  test('a second signal ends it at once, whatever is under way', async (t) => {
    const { child, ended, url, adminKey, ask } = await serve(t);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    // The head of a request whose body never comes holds a server that waits for what is under way.
    socket.on('error', () => undefined);
    socket.write(
      `POST /v1/networks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminKey}\r\nContent-Length: 9\r\n\r\n`,
    );
    assert.equal((await ask('GET', '/v1/networks', adminKey)).status, 200); // by then it has read the head, too
    child.kill('SIGTERM');
    child.kill('SIGINT');
    assert.deepEqual(await ended, [1, null]);
  });
});
