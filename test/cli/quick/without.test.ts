/** Hosts on which something is missing that others have. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';

const PATH = '/etc/wireguard/wg0.conf';
const FILE = `[Interface]
PrivateKey = gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=
ListenPort = 51999
Address = 10.9.0.1/24, 10.9.1.1/24, fd00:9::1/64
`;
const PEER = `[Peer]
PublicKey = Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
`;
const DEFAULT_PEER = `${PEER}AllowedIPs = 0.0.0.0/0, ::/0\n`;

describe('wg-quick without nft', labOptions('wg-quick', 'iptables'), () => {
  let hosts: BesideWgQuick;
  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await hosts.hide('nft');
  });
  after(() => hosts[Symbol.asyncDispose]());

  it('guards a default route with iptables, and takes its rules and no others back', async () => {
    const rule = ['-t', 'raw', '-A', 'PREROUTING', '-p', 'udp', '--dport', '9', '-j', 'DROP'];
    await hosts.both((host) => host.output('iptables', rule));
    await hosts.write(PATH, `${FILE}${DEFAULT_PEER}`);
    const { stderr, exitCode } = await hosts.same('up', 'wg0');
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^\[#\] iptables-restore -n$/m);
    assert.match(stderr, /^\[#\] ip6tables-restore -n$/m);
    assert.match((await hosts.state()).ours, /--src-type LOCAL .* -j DROP/);
    await hosts.same('down', 'wg0');
    const { ours } = await hosts.state();
    assert.doesNotMatch(ours, /wg-quick/);
    assert.match(ours, /-A PREROUTING -p udp -m udp --dport 9 -j DROP/);
  });
});

describe('wg-quick without a family of addresses', labOptions('wg-quick', 'nft'), () => {
  it('works on a host with IPv6 only', async () => {
    await using hosts = await BesideWgQuick.open({
      addresses: ['2001:db8::1/64'],
      routes: ['default via 2001:db8::fe'],
    });
    await hosts.write(PATH, `${FILE}${DEFAULT_PEER}Endpoint = [2001:db8::2]:1\n`);
    const up = await hosts.same('up', 'wg0');
    assert.equal(up.exitCode, 0, up.stderr);
    assert.equal((await hosts.same('down', 'wg0')).exitCode, 0);
  });

  it('works on a host with IPv4 only', async () => {
    await using hosts = await BesideWgQuick.open({
      addresses: ['192.0.2.1/24'],
      routes: ['default via 192.0.2.254 mtu 1300'],
    });
    const off = ['-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];
    await hosts.both((host) => host.output('sysctl', off));
    const file = FILE.replace(', fd00:9::1/64', '');
    for (const peer of [
      `${PEER}AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.2:1\n`,
      `${PEER}AllowedIPs = 0.0.0.0/0\n`,
      `${PEER}AllowedIPs = 172.28.0.0/16\nEndpoint = 198.51.100.1:1\n`,
    ]) {
      await hosts.write(PATH, `${file}${peer}`);
      const up = await hosts.same('up', 'wg0');
      assert.equal(up.exitCode, 0, up.stderr);
      assert.equal((await hosts.same('down', 'wg0')).exitCode, 0);
    }
  });

  it('takes the MTU of the default route where no endpoint tells more', async () => {
    await using hosts = await BesideWgQuick.open({
      addresses: ['192.0.2.1/24'],
      routes: ['default via 192.0.2.254 mtu 1300'],
    });
    for (const endpoint of ['', 'Endpoint = [fe80::1%eth0]:1\n']) {
      await hosts.write(PATH, `${FILE}${PEER}${endpoint}`);
      const up = await hosts.same('up', 'wg0');
      assert.match(up.stderr, /^\[#\] ip link set mtu 1220 up dev wg0$/m);
      assert.equal((await hosts.same('down', 'wg0')).exitCode, 0);
    }
  });

  it('leaves out what is for IPv6 where that is switched off, and says so', async () => {
    await using hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24'] });
    const off = ['-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1'];
    await hosts.both((host) => host.output('sysctl', off));
    await hosts.write(PATH, `${FILE}${DEFAULT_PEER}`);
    const { theirs, ours } = await hosts.run('up', 'wg0');
    assert.equal(theirs.exitCode, 2, "Debian's gives up");
    assert.equal(ours.exitCode, 0, ours.stderr);
    assert.match(ours.stderr, /^Warning: wg0 has no IPv6 on this host, left out: fd00:9::1\/64$/m);
    assert.match(ours.stderr, /^Warning: wg0 has no IPv6 on this host, left out: ::\/0$/m);
    assert.match(await hosts.ours.output('ip', ['route', 'get', '198.51.100.1']), /dev wg0 table 51820/);
    assert.equal((await hosts.run('down', 'wg0')).ours.exitCode, 0);
  });

  it('and where the MTU is too small for it', async () => {
    await using hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await hosts.write(
      PATH,
      `${FILE}MTU = 1200\n${PEER}AllowedIPs = 10.7.0.0/16, fd00:1::/64, fd00:2::/64, fd00:3::/64, fd00:4::/64, fd00:5::/64\n`,
    );
    const { ours } = await hosts.run('up', 'wg0');
    assert.equal(ours.exitCode, 0, ours.stderr);
    assert.match(ours.stderr, /left out: fd00:5::\/64, fd00:4::\/64, fd00:3::\/64 and 2 more$/m);
  });
});

describe('wg-quick without openresolv', labOptions('wg-quick'), () => {
  let hosts: BesideWgQuick;
  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24'] });
    await hosts.write(PATH, `${FILE}DNS = 10.9.0.2, example.net, fd00:9::2\n`);
  });
  after(() => hosts[Symbol.asyncDispose]());

  /** A resolvconf that writes down how it was called to change something. */
  const record = async (): Promise<void> => {
    const script = `#!/bin/sh
[ "$1" != -l ] || exit 0
echo "\${0##*/} $*" >>/run/called
[ "$1" != -a ] || cat >>/run/called
`;
    await hosts.write('/run/bin/resolvconf', script, '755');
  };
  const called = async () => hosts.both((host) => host.output('sh', ['-c', 'cat /run/called; rm /run/called']));

  it("names its record as Debian's resolvconf wants it", async () => {
    await record();
    await hosts.both((host) =>
      host.output('sh', [
        '-c',
        'mkdir -p /etc/resolvconf; printf "lo.inet6\\ntun*\\ntap*\\n" >/etc/resolvconf/interface-order',
      ]),
    );
    await hosts.hide('resolvconf');
    await hosts.same('up', 'wg0');
    await hosts.same('down', 'wg0');
    const { theirs, ours } = await called();
    assert.equal(ours, theirs);
    assert.equal(
      ours,
      'resolvconf -a tun.wg0 -m 0 -x\nnameserver 10.9.0.2\nnameserver fd00:9::2\nsearch example.net\nresolvconf -d tun.wg0 -f\n',
    );
  });

  it('says what to install', async () => {
    await hosts.both((host) => host.output('rm', ['/run/bin/resolvconf']));
    const { ours } = await hosts.run('up', 'wg0');
    assert.equal(ours.exitCode, 1);
    assert.match(
      ours.stderr,
      /^wg-quick: DNS cannot be set: there is neither resolvconf nor resolvectl on this host$/m,
    );
    assert.match(ours.stderr, /^\[#\] ip link delete dev wg0$/m);
  });
});
