/** DNS of an interface on hosts whose resolver is systemd-resolved. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../../interop/lab/host.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';
import { addResolvconf, resolvedOptions, startResolved } from './systemd-resolved.ts';

const PATH = '/etc/wireguard/wg0.conf';
const FILE = `[Interface]
PrivateKey = gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=
ListenPort = 51999
Address = 10.9.0.1/24, fd00:9::1/64
DNS = 10.9.0.2, vpn.example.net, fd00:9::2
`;

/** `Link 2 (wg0): 10.9.0.2` without the number, and without the lines of what has none. */
async function linesOf(host: Host, subject: 'dns' | 'domain'): Promise<string[]> {
  const lines = (await host.output('resolvectl', [subject])).split('\n').filter((line) => line.startsWith('Link '));
  return lines.map((line) => line.replace(/^Link \d+ /, '').trim()).filter((line) => !line.endsWith(':'));
}

const dnsOf = async (host: Host) => ({ servers: await linesOf(host, 'dns'), domains: await linesOf(host, 'domain') });

const SET = { servers: ['(wg0): 10.9.0.2 fd00:9::2'], domains: ['(wg0): vpn.example.net ~.'] };
const NOTHING = { servers: [], domains: [] };

/** It forgets an interface when it hears that it went. */
async function expectNothing(host: Host): Promise<void> {
  await host.waitFor('no interface has a server', async () => (await linesOf(host, 'dns')).length === 0);
  assert.deepEqual(await dnsOf(host), NOTHING);
}

/** What its users are told to read instead of /etc/resolv.conf. */
const resolvConf = (host: Host) => host.output('cat', ['/run/systemd/resolve/resolv.conf']);

describe('DNS with systemd-resolved', resolvedOptions('wg-quick', 'tcpdump'), () => {
  let hosts: BesideWgQuick;
  let ours: Host;
  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24'] });
    ours = hosts.ours;
    await hosts.hide('resolvconf');
    await Promise.all([startResolved(hosts.theirs), startResolved(ours)]);
    await hosts.write(PATH, FILE);
  });
  after(() => hosts[Symbol.asyncDispose]());

  it('sets servers and search domains with resolvectl alone, and they are gone after down', async () => {
    assert.deepEqual(await dnsOf(ours), NOTHING);
    const { theirs, ours: up } = await hosts.run('up', 'wg0');
    assert.notEqual(theirs.exitCode, 0, "Debian's wants a resolvconf");
    assert.equal(up.exitCode, 0, up.stderr);
    assert.deepEqual(await dnsOf(ours), SET);
    assert.match(await resolvConf(ours), /^nameserver 10\.9\.0\.2\nnameserver fd00:9::2$/m);

    // A name without a dot gets the search domain, and its question goes into the tunnel.
    const heard = await ours.spawn('tcpdump', ['-n', '-l', '-i', 'wg0', 'udp', 'dst', 'port', '53']);
    await ours.waitFor('tcpdump listens', () => heard.stderr.includes('listening on wg0'));
    const asking = await ours.spawn('resolvectl', ['query', 'printer']);
    await ours.waitFor(
      'the question is in the tunnel',
      () => /> (?:10\.9\.0\.2|fd00:9::2)\.53: .* A\? printer\.vpn\.example\.net\./.test(heard.stdout),
      { explain: () => `${heard.stdout}${asking.stdout}${asking.stderr}` },
    );
    await asking.stop();
    await heard.stop();

    const { ours: down } = await hosts.run('down', 'wg0');
    assert.equal(down.exitCode, 0, down.stderr);
    await expectNothing(ours);
    await ours.waitFor('resolv.conf is as before', async () => !(await resolvConf(ours)).includes('10.9.0.2'));
  });

  it('sets the same as wg-quick through the resolvconf of systemd-resolved', async () => {
    await hosts.both((host) => addResolvconf(host));
    const up = await hosts.same('up', 'wg0');
    assert.equal(up.exitCode, 0, up.stderr);
    assert.match(up.stderr, /^\[#\] resolvconf -a wg0 -m 0 -x$/m);
    for (const host of [ours, hosts.theirs]) assert.deepEqual(await dnsOf(host), SET);
    const down = await hosts.same('down', 'wg0');
    assert.equal(down.exitCode, 0, down.stderr);
    for (const host of [ours, hosts.theirs]) await expectNothing(host);
  });

  it('keeps at save what that resolvconf cannot tell', async () => {
    assert.equal((await hosts.same('up', 'wg0')).exitCode, 0);
    const save = await hosts.run('save', 'wg0');
    assert.equal(save.ours.exitCode, 0, save.ours.stderr);
    const saved = await hosts.both((host) => host.output('cat', [PATH]));
    assert.doesNotMatch(saved.theirs, /DNS/, "Debian's forgets it");
    assert.match(saved.ours, /^DNS = 10\.9\.0\.2\nDNS = vpn\.example\.net\nDNS = fd00:9::2$/m);
    const { ours: down } = await hosts.run('down', 'wg0');
    assert.equal(down.exitCode, 0, down.stderr);
    await expectNothing(ours);
  });
});
