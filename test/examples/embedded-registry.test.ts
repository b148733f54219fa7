import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { formatKey, generateKeyPair, parseConfig } from 'peerage';
import { startExample } from './example.ts';

const PUBLIC_URL = 'https://example.net/vpn';

async function start(t: TestContext, file: string) {
  const env = { PORT: '0', PUBLIC_URL };
  const example = await startExample('examples/embedded-registry/embedded-registry.ts', /listening on .*\n/, {
    args: [file],
    env,
  });
  const [, origin = ''] = /listening on (\S+),/.exec(example.output)!;
  const adminKey = /admin key, shown this once: (\S+)/.exec(example.output)?.[1];
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= example.stop());
  t.after(stop);
  return { origin, adminKey, stop };
}

test('a registry inside of a Hono app enrols a host, and is the same one after a restart', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-embedded-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'registry.db');

  const { origin, adminKey = '', stop } = await start(t, file);
  const post = async (path: string, credential: string, body: object, accept = 'application/json') => {
    const answer = await fetch(`${origin}/vpn${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${credential}`, 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    assert.equal(answer.status, 201, text);
    return text;
  };
  assert.equal(await (await fetch(origin)).text(), 'This is our own app.\n');
  await post('/v1/networks', adminKey, { name: 'home', ranges: ['10.1.2.0/24'], listenPort: 51000 });
  const { token } = JSON.parse(await post('/v1/networks/home/tokens', adminKey, {})) as { token: string };

  const script = await (await fetch(`${origin}/vpn/${token}`)).text();
  assert.ok(script.includes(PUBLIC_URL), 'hosts are told the public address, with the path');

  const host = { name: 'teddy', publicKey: formatKey(generateKeyPair().publicKey) };
  const parsed = parseConfig(await post('/v1/enroll', token, host, 'text/plain'), { file: 'wg0.conf' });
  assert.ok('config' in parsed, 'what the host gets is a configuration file');
  assert.equal(parsed.config.interface.addresses.length, 1);
  await stop();

  const again = await start(t, file);
  assert.equal(again.adminKey, undefined, 'the first key is made once');
  const hosts = await fetch(`${again.origin}/vpn/v1/networks/home/hosts`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  assert.match(await hosts.text(), /"name":"teddy"/);
});
