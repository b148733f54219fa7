/** `peerage add NAME --qr`, scanned. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { formatEndpoint } from '../../src/config/config.ts';
import { parseConfigOrThrow } from '../../src/config/parse.ts';
import { formatCidr } from '../../src/ip.ts';
import { formatKey } from '../../src/keys.ts';
import { HostList, HostView } from '../../src/registry/wire.ts';
import { expectStatus, startLab } from '../registry/lab.ts';
import { photograph, readQr } from '../registry/render/read-qr.ts';
import { peerage, run } from './peerage.ts';

async function startNetwork(t: TestContext, hosts: readonly string[]) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 100 });
  for (const name of hosts) await lab.enrol(token, { name, endpoint: `${name}.example.net:51000` });
  const folder = await mkdtemp(join(tmpdir(), 'peerage-phone-'));
  t.after(() => rm(folder, { recursive: true }));
  const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
  const add = (...args: string[]) => peerage(['add', 'phone', ...args], { env });
  return { lab, add, fileOf: (name: string) => join(folder, name) };
}

describe('peerage add --qr', () => {
  for (const kind of ['svg', 'png', 'terminal'] as const)
    test(`gives a phone all it needs as ${kind}, and keeps the private key from the registry`, async (t) => {
      const { lab, add, fileOf } = await startNetwork(t, ['dolores', 'maeve']);
      const file = fileOf(`phone.${kind}`);
      const { exitCode, stdout, stderr } = await add('--qr', ...(kind === 'terminal' ? [] : [file]));
      assert.equal(exitCode, 0, stderr);
      const text =
        kind === 'terminal'
          ? await readQr(t, 'code.pbm', photograph(stdout))
          : await readQr(t, `code.${kind}`, await readFile(file));
      if (kind !== 'terminal') assert.deepEqual([stdout, (await stat(file)).mode & 0o777], ['', 0o600]);

      const { interface: own, peers } = parseConfigOrThrow(text, { file: 'scanned' });
      const host = expectStatus(200, await lab.ask('GET', '/v1/networks/home/hosts/phone')).read(HostView);
      const privateKey = formatKey(own.privateKey!);
      assert.equal((await run('wg', ['pubkey'], { input: privateKey })).stdout.trim(), host.publicKey);
      assert.deepEqual(
        own.addresses.map((address) => formatCidr(address).split('/')[0]),
        host.addresses,
      );
      assert.deepEqual(
        peers.map((peer) => [formatEndpoint(peer.endpoint!), peer.persistentKeepalive]),
        ['dolores', 'maeve'].map((name) => [`${name}.example.net:51000`, 25]),
      );
      assert.ok(![await lab.stored(), stderr, ...lab.logged].some((said) => said.includes(privateKey)));
    });

  test('adds nothing when there are more peers than a QR code can hold', async (t) => {
    const { lab, add } = await startNetwork(
      t,
      Array.from({ length: 30 }, (_, i) => `host-${i}`),
    );
    const { exitCode, stdout, stderr } = await add('--qr');
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /"phone" would have 30 peers, more than a QR code can hold/);
    assert.equal((await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts.length, 30);
  });

  test('refuses a picture that it cannot draw, before it asks the registry', async (t) => {
    const { lab, add } = await startNetwork(t, []);
    const before = lab.logged.length;
    for (const args of [
      ['--qr', 'phone.gif'],
      ['--qr', '--json'],
    ]) {
      const { exitCode, stdout } = await add(...args);
      assert.deepEqual([exitCode, stdout], [2, '']);
    }
    assert.equal(lab.logged.length, before);
  });
});
