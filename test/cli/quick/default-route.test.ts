/** Traffic of a host whose default route leads through a tunnel. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import { labOptions } from '../../interop/lab/requirements.ts';

const CHANGE_ROUTES = fileURLToPath(new URL('change-routes.ts', import.meta.url));

/** Addresses somewhere in the world, which here are the exit's own. */
const WORLD = ['198.51.100.7', '2001:db8:ffff::7'];

describe('a default route through a tunnel', labOptions('nft', 'ping', 'wg'), () => {
  let lab: Lab;
  let traveller: Host;
  let exit: Host;
  let untouched: string;

  before(async () => {
    lab = await Lab.open();
    [traveller, exit] = [await lab.host('traveller'), await lab.host('exit')];
    const wire = await lab.switch();
    await lab.connect(traveller, wire, {
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
      routes: ['default via 192.0.2.2', 'default via 2001:db8::2'],
    });
    await lab.connect(exit, wire, { addresses: ['192.0.2.2/24', '2001:db8::2/64'] });
    await exit.ip(...WORLD.map((address) => `address add ${address} dev lo`));
    // The strictest there is: an answer must come back the way a packet to its sender would go.
    await traveller.output('sysctl', ['-qw', 'net.ipv4.conf.all.rp_filter=1', 'net.ipv4.conf.eth0.rp_filter=1']);
    const keys = await Promise.all([traveller, exit].map((host) => makeKey(host)));
    await write(
      traveller,
      'ListenPort = 51999\nAddress = 10.9.0.1/24, fd00:9::1/64',
      keys[1]!,
      'AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.2:51999',
    );
    await write(
      exit,
      'ListenPort = 51999\nAddress = 10.9.0.2/24, fd00:9::2/64',
      keys[0]!,
      'AllowedIPs = 10.9.0.1/32, fd00:9::1/128',
    );
    await exit.output('peerage', ['up', 'wg0']);
    untouched = await state();
  });
  after(() => lab[Symbol.asyncDispose]());

  async function makeKey(host: Host): Promise<string> {
    return (await host.output('sh', ['-c', 'umask 077; wg genkey | tee /etc/wireguard/wg0.key | wg pubkey'])).trim();
  }

  async function write(host: Host, own: string, peerKey: string, peer: string): Promise<void> {
    const text = `[Interface]\nPostUp = wg set %i private-key /etc/wireguard/wg0.key\n${own}\n[Peer]\nPublicKey = ${peerKey}\n${peer}\n`;
    await host.output('sh', ['-c', 'umask 077; cat >/etc/wireguard/wg0.conf'], { input: text });
  }

  async function state(): Promise<string> {
    return traveller.output('sh', [
      '-c',
      'ip -4 rule; ip -6 rule; ip -4 route; ip -6 route; nft list ruleset; ip -brief link',
    ]);
  }

  const reaches = async (address: string) =>
    (await traveller.run('ping', ['-c', '1', '-W', '5', address])).exitCode === 0;

  it('carries what goes into the world, and not what stays on the wire or carries the tunnel itself', async () => {
    const { stderr } = await traveller.run('peerage', ['up', 'wg0']);
    assert.match(stderr, /^\[#\] ip -4 route add 0\.0\.0\.0\/0 dev wg0 table 51820$/m);
    for (const address of WORLD) {
      assert.match(await traveller.output('ip', ['route', 'get', address]), /dev wg0 table 51820/);
      assert.ok(await reaches(address), address);
    }
    assert.match(await traveller.output('ip', ['route', 'get', '192.0.2.2']), /dev eth0/);
    assert.match(await traveller.output('ip', ['route', 'get', '192.0.2.2', 'mark', '51820']), /dev eth0/);
    assert.match(await traveller.output('ip', ['route', 'get', WORLD[0]!, 'mark', '51820']), /dev eth0/);
    assert.ok(await reaches('192.0.2.2'));
    assert.match(await traveller.output('wg', ['show', 'wg0', 'latest-handshakes']), /\t[1-9]\d*\n$/);
  });

  it('keeps others on the wire from reaching the address inside', async () => {
    const reachesInside = async () =>
      (await exit.run('ping', ['-c', '1', '-W', '1', '-I', '192.0.2.2', '10.9.0.1'])).exitCode === 0;
    await exit.ip('route replace 10.9.0.1/32 via 192.0.2.1 dev eth0');
    assert.equal(await reachesInside(), false);
    await traveller.output('nft', ['delete', 'table', 'ip', 'wg-quick-wg0']);
    assert.equal(await reachesInside(), true, 'it is the guard that keeps them out');
    await exit.ip('route delete 10.9.0.1/32 via 192.0.2.1 dev eth0');
  });

  it('leaves nothing behind', async () => {
    await traveller.output('peerage', ['down', 'wg0']);
    assert.equal(await state(), untouched);
  });

  it('takes the next table when somebody uses the first', async () => {
    await traveller.ip('route add 203.0.113.0/24 dev lo table 51820');
    await traveller.output('peerage', ['up', 'wg0']);
    assert.match(await traveller.output('ip', ['rule']), /not from all fwmark 0xca6d lookup 51821/);
    assert.ok(await reaches(WORLD[0]!));
    await traveller.output('peerage', ['down', 'wg0']);
    await traveller.ip('route flush table 51820');
    assert.equal(await state(), untouched);
  });

  it('comes and goes by itself as well, one family after the other', async () => {
    const goesThrough = async (address: string) =>
      (await traveller.output('ip', ['route', 'get', address])).includes('wg0');
    await traveller.output('peerage', ['up', 'wg0']);
    await traveller.output('node', [CHANGE_ROUTES, 'remove', 'wg0', '0.0.0.0/0']);
    assert.deepEqual(await Promise.all(WORLD.map(goesThrough)), [false, true]);
    await traveller.output('node', [CHANGE_ROUTES, 'remove', 'wg0', '::/0']);
    assert.deepEqual(await Promise.all(WORLD.map(goesThrough)), [false, false]);
    assert.equal(await traveller.output('nft', ['list', 'ruleset']), '');
    assert.doesNotMatch(await traveller.output('sh', ['-c', 'ip -4 rule; ip -6 rule']), /51820|suppress/);
    await traveller.output('node', [CHANGE_ROUTES, 'add', 'wg0', '0.0.0.0/0']);
    assert.ok(await reaches(WORLD[0]!));
    assert.deepEqual(await Promise.all(WORLD.map(goesThrough)), [true, false]);
    await traveller.output('peerage', ['down', 'wg0']);
    assert.equal(await state(), untouched);
  });

  it('of an interface that went on its own is no obstacle, neither to `down` nor to the next `up`', async () => {
    const guard = async () => traveller.output('nft', ['list', 'ruleset']);
    const rules = async () => traveller.output('sh', ['-c', 'ip -4 rule; ip -6 rule']);
    const vanish = async () => {
      await traveller.output('ip', ['link', 'delete', 'dev', 'wg0']);
      await traveller.waitFor(
        'its daemon ends',
        async () => (await traveller.output('wg', ['show', 'interfaces'])).trim() === '',
      );
    };
    await traveller.output('peerage', ['up', 'wg0']);
    const [whole, wholeRules] = [await guard(), await rules()];
    await vanish();
    await traveller.output('peerage', ['up', 'wg0']);
    const without = (ruleset: string): string => ruleset.replaceAll(/^.*daddr fe80.*\n/gm, '');
    assert.equal(without(await guard()), without(whole));
    assert.equal(await rules(), wholeRules);
    await vanish();
    const { exitCode, stderr } = await traveller.run('peerage', ['down', 'wg0']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /is not a WireGuard interface/);
    assert.equal(await guard(), '');
    assert.equal(await state(), untouched);
    assert.ok(await reaches('192.0.2.2'));
    await traveller.output('peerage', ['up', 'wg0']);
    await traveller.output('peerage', ['down', 'wg0']);
    assert.equal(await state(), untouched);
  });
});
