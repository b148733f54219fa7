import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';

const PEER_KEY = 'Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=';
const OTHER_KEY = 'WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=';
const INTERFACE = `[Interface]
PrivateKey = gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=
ListenPort = 51999
`;
const PEER = `
[Peer]
PublicKey = ${PEER_KEY}
Endpoint = 192.0.2.2:51999
`;
const OTHER = `
[Peer]
PublicKey = ${OTHER_KEY}
Endpoint = [2001:db8::2]:51999
`;

const FILES: Readonly<Record<string, string>> = {
  'addresses as they are written, and routes that they do not cover': `${INTERFACE}Address = 10.9.0.1/24,fd00:9::0001/64
Address = 10.8.0.1
${PEER}AllowedIPs = 10.9.0.2/32, 172.27.88.0/24, 172.27.0.0/16, fd00:77::/64, fd00:9::2/128, 10.1.0.7/24, 10.2.0.0/24
${OTHER}AllowedIPs = 172.28.0.0/16, fd00:78::/64
`,
  'a default route of IPv4': `${INTERFACE}Address = 10.9.0.1/24, 10.9.1.1/24\n${PEER}AllowedIPs = 0.0.0.0/0\n`,
  'a default route of IPv6': `${INTERFACE}Address = fd00:9::1/64\n${PEER}AllowedIPs = ::/0\n`,
  'default routes of both, and others': `${INTERFACE}Address = 10.9.0.1/24, fd00:9::1/64
${PEER}AllowedIPs = 0.0.0.0/0, ::/0
${OTHER}AllowedIPs = 172.28.0.0/16, fd00:78::/64
`,
  'the mark of the file': `${INTERFACE}FwMark = 0x4d2\nTable = auto\nAddress = 10.9.0.1/24\n${PEER}AllowedIPs = 0.0.0.0/0, ::/0\n`,
  'a routing table': `${INTERFACE}Address = 10.9.0.1/24, fd00:9::1/64
Table = 1234
${PEER}AllowedIPs = 0.0.0.0/0, ::/0, 172.28.0.0/16
`,
  'no routes': `${INTERFACE}Address = 10.9.0.1/24\nTable = off\n${PEER}AllowedIPs = 0.0.0.0/0, 172.28.0.0/16\n`,
  'name servers and search domains': `${INTERFACE}Address = 10.9.0.1/24
DNS = 10.9.0.2, example.net , fd00:9::2
DNS = example.org
`,
  'search domains without a server': `${INTERFACE}Address = 10.9.0.1/24\nDNS = example.net\n`,
  'an MTU': `${INTERFACE}Address = 10.9.0.1/24, fd00:9::1/64\nMTU = 1300\n${PEER}AllowedIPs = fd00:77::/64\n`,
  'the MTU of the route to an endpoint': `${INTERFACE}Address = 10.9.0.1/24\n${PEER.replace('192.0.2.2', '203.0.113.9')}`,
  'the largest MTU of the routes to the endpoints': `${INTERFACE}Address = 10.9.0.1/24
${PEER.replace('192.0.2.2', '203.0.113.9')}${OTHER}`,
  hooks: `${INTERFACE}Address = 10.9.0.1/24
PreUp = echo pre-up %i; echo to stderr >&2
PostUp = ip -brief link show %i | cut -d ' ' -f 1
PostUp = [[ a == @(a|b) ]] && echo "$LC_ALL"
PreDown = wg show %i listen-port
PostDown = ip link show dev %i 2>/dev/null || echo gone
`,
};

describe('wg-quick', labOptions('wg-quick', 'nft', 'resolvconf'), () => {
  let hosts: BesideWgQuick;
  let untouched: string;

  before(async () => {
    hosts = await BesideWgQuick.open({
      addresses: ['192.0.2.1/24', '2001:db8::1/64'],
      routes: ['default via 192.0.2.254', 'default via 2001:db8::fe', '203.0.113.0/24 via 192.0.2.254 mtu 1400'],
    });
    await hosts.both((host) =>
      host.output('sh', ['-c', 'echo nameserver 192.0.2.53 > /etc/resolv.conf; resolvconf -u']),
    );
  });
  after(() => hosts[Symbol.asyncDispose]());
  beforeEach(async () => {
    await hosts.both((host) => host.output('sysctl', ['-qw', 'net.ipv4.conf.all.src_valid_mark=0']));
    await hosts.write('/etc/wireguard/wg0.conf', '');
    untouched = (await hosts.state()).ours;
  });

  /** What a test that failed may have left must not fail the others. */
  afterEach(() => hosts.both((host) => host.output('sh', ['-c', 'ip link delete dev wg0 2>/dev/null || true'])));

  for (const [what, file] of Object.entries(FILES))
    it(`sets ${what}, and takes it back`, async () => {
      await hosts.write('/etc/wireguard/wg0.conf', file);
      const { exitCode, stderr } = await hosts.same('up', 'wg0');
      assert.equal(exitCode, 0, stderr);
      assert.equal((await hosts.same('up', 'wg0')).stderr, "wg-quick: `wg0' already exists\n");
      assert.equal((await hosts.same('down', 'wg0')).exitCode, 0);
      const left = (await hosts.state()).ours.replace('src_valid_mark = 1', 'src_valid_mark = 0');
      assert.equal(left, untouched, 'nothing is left');
    });

  it("takes down what Debian's brought up, and the other way round", async () => {
    await hosts.write('/etc/wireguard/wg0.conf', FILES['default routes of both, and others']!);
    for (const [up, down] of [
      ['/usr/bin', '/run/ours'],
      ['/run/ours', '/usr/bin'],
    ] as const) {
      await hosts.call(hosts.ours, up, ['up', 'wg0']);
      const { exitCode, stderr } = await hosts.call(hosts.ours, down, ['down', 'wg0']);
      assert.equal(exitCode, 0, stderr);
      const left = (await hosts.state()).ours.replace('src_valid_mark = 1', 'src_valid_mark = 0');
      assert.equal(left, untouched);
    }
  });
});
