/** Two hosts, each behind a router with NAT, find each other by what the agent of a third host sees of them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab, type Switch } from '../interop/lab/lab.ts';
import { enableNat } from '../interop/lab/nat.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const REGISTRY = 'http://203.0.113.1:8080';

it('two hosts behind NAT reach each other without a relay', labOptions('wg', 'nft'), async () => {
  await using lab = await Lab.open();
  const internet = await lab.switch();
  const [desk, dolores] = [await lab.host('desk'), await lab.host('dolores')];
  await lab.connect(desk, internet, { addresses: ['203.0.113.1/24'] });
  await lab.connect(dolores, internet, { addresses: ['203.0.113.2/24'] });
  const left = await addHome(lab, internet, { name: 'left', outside: '203.0.113.11', net: '192.168.11' });
  const right = await addHome(lab, internet, { name: 'right', outside: '203.0.113.12', net: '192.168.12' });

  const registry = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json']);
  await desk.waitFor('the registry listens', () => registry.stdout.includes('\n'));
  const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
  await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
  await desk.output('peerage', ['network', 'add', 'home', '--port', '55867']);
  const { token } = JSON.parse(await desk.output('peerage', ['token', '--uses', '3', '--json'])) as { token: string };
  const join = (host: Host, ...options: string[]) =>
    host.output('peerage', ['join', REGISTRY, ...options], { input: `${token}\n` });
  await join(dolores, '--endpoint', '203.0.113.2:55867');
  await join(left);
  await join(right);

  const explain = async () => (await left.output('wg', ['show'])) + (await desk.output('peerage', ['ls']));
  const config = await right.output('cat', ['/etc/wireguard/wg0.conf']);
  const address = /^Address = ([\d.]+)/m.exec(config)?.[1] ?? '';
  await left.waitFor('right answers', () => left.canPing(address), { explain });
  // Nobody passed it on: each has the other where its router sends from.
  const key = (await right.output('wg', ['show', 'wg0', 'public-key'])).trim();
  const endpoints = await left.output('wg', ['show', 'wg0', 'endpoints']);
  assert.equal(
    endpoints.split('\n').find((line) => line.startsWith(key)),
    `${key}\t203.0.113.12:55867`,
  );
  assert.match(await desk.output('peerage', ['ls']), /right .* 203\.0\.113\.12:55867 \(seen\)/);
});

/** A host in a network of its own, whose router masquerades. */
async function addHome(
  lab: Lab,
  internet: Switch,
  { name, outside, net }: { name: string; outside: string; net: string },
): Promise<Host> {
  const home = await lab.switch();
  const router = await lab.host(`${name}-router`);
  await lab.connect(router, internet, { addresses: [`${outside}/24`] });
  await lab.connect(router, home, { interface: 'eth1', addresses: [`${net}.1/24`] });
  await enableNat(router, { outside: 'eth0', inside: 'eth1' });
  const host = await lab.host(name);
  await lab.connect(host, home, { addresses: [`${net}.2/24`], routes: [`default via ${net}.1`] });
  return host;
}
