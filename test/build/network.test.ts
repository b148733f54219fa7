/** A network made of nothing but the single binary: the registry, two hosts that join it, and a tunnel by wg-quick. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import { labOptions } from '../interop/lab/requirements.ts';
import { builtBinary } from './binary.ts';

const REGISTRY = 'http://203.0.113.1:8080';

// One story: each test goes on where the one before it ended.
describe('the single binary on three hosts', labOptions('ping'), () => {
  const binary = builtBinary();
  let lab: Lab;
  let desk: Host;
  let dolores: Host;
  let teddy: Host;

  before(async () => {
    lab = await Lab.open();
    const internet = await lab.switch();
    [desk, dolores, teddy] = [await lab.host('desk'), await lab.host('dolores'), await lab.host('teddy')];
    for (const [i, host] of [desk, dolores, teddy].entries()) {
      await lab.connect(host, internet, { addresses: [`203.0.113.${i + 1}/24`] });
      // In the place of the programs of the checkout.
      await host.output(binary, ['install-links', '/run/bin', '--force']);
      await host.output('ln', ['-sf', binary, '/run/bin/peerage']);
    }
  });
  after(async () => lab[Symbol.asyncDispose]());

  it('serves a registry, and joins it', async () => {
    const registry = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json']);
    await desk.waitFor('the registry listens', () => registry.stdout.includes('\n'));
    const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
    await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
    await desk.output('peerage', ['network', 'add', 'home']);
    for (const host of [dolores, teddy]) {
      const { token } = JSON.parse(await desk.output('peerage', ['token', '--json'])) as { token: string };
      await host.output('peerage', ['join', REGISTRY], { input: `${token}\n` });
    }
    const hosts = JSON.parse(await desk.output('peerage', ['ls', '--json'])) as { name: string }[];
    assert.deepEqual(hosts.map(({ name }) => name).sort(), ['dolores', 'teddy']);
  });

  it('keeps the list of peers current from the background, by a program that is the same file', async () => {
    await dolores.waitFor('the agent has heard of teddy', async () =>
      (await dolores.output('wg', ['show', 'wg0', 'peers'])).includes('='),
    );
    const programs = await dolores.output('sh', [
      '-c',
      'for pid in /proc/[0-9]*; do readlink $pid/exe; done | sort | uniq -c',
    ]);
    assert.match(programs, new RegExp(` 2 ${binary}\n`), 'its tunnel and its agent');
  });

  it('takes a tunnel down, and brings others up as wg-quick', async () => {
    for (const host of [dolores, teddy]) await host.output('peerage', ['down', 'wg0']);
    const ends = [
      { host: dolores, address: '10.9.0.2', endpoint: '203.0.113.2', key: await desk.output('wg', ['genkey']) },
      { host: teddy, address: '10.9.0.3', endpoint: '203.0.113.3', key: await desk.output('wg', ['genkey']) },
    ];
    for (const { host, address, key } of ends) {
      const [other] = ends.filter((end) => end.host !== host);
      const config = `[Interface]
PrivateKey = ${key.trim()}
Address = ${address}/24
ListenPort = 51820
[Peer]
PublicKey = ${(await desk.output('wg', ['pubkey'], { input: other!.key })).trim()}
AllowedIPs = ${other!.address}/32
Endpoint = ${other!.endpoint}:51820
`;
      await host.output('sh', ['-c', 'umask 077; cat > /etc/wireguard/wg1.conf'], { input: config });
      await host.output('wg-quick', ['up', 'wg1']);
    }
    await dolores.output('ping', ['-c', '1', '-w', '60', '10.9.0.3']);
    for (const { host } of ends) await host.output('wg-quick', ['down', 'wg1']);
    await dolores.waitFor('its sockets are gone', async () => (await dolores.output('ls', ['/run/wireguard'])) === '');
  });
});
