import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RunningProcess } from '../../interop/lab/process.ts';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWg } from './beside-wg.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const OTHER = 'L+V9o0fNYkMVKNqsX7spBzD/9oSvxM/C7ZCZX1jLO3Q=';
const PEER = ['peer', KEY];

const CHANGES: readonly (readonly string[])[] = [
  ['listen-port', '51820'],
  ['listen-port', '0'],
  ['listen-port', 'domain'],
  ['fwmark', '0xca6c'],
  ['fwmark', '51820'],
  ['fwmark', 'OFF'],
  ['fwmark', '0'],
  ['fwmark', '010'],
  ['private-key', '/run/key'],
  ['private-key', '/dev/null'],
  ['private-key', '/run/key', 'fwmark', '1', 'listen-port', '2', 'listen-port', '3'],
  PEER,
  [...PEER, 'remove'],
  [...PEER, 'remove', 'preshared-key', '/run/key', 'allowed-ips', '10.0.0.0/8'],
  [...PEER, 'preshared-key', '/run/key'],
  [...PEER, 'preshared-key', '/dev/null'],
  [...PEER, 'endpoint', '192.0.2.1:51820'],
  [...PEER, 'endpoint', '192.0.2.1:0'],
  [...PEER, 'endpoint', '[2001:DB8:0::1]:51820'],
  [...PEER, 'endpoint', '2001:db8::1:51820'],
  [...PEER, 'endpoint', '[::ffff:192.0.2.1]:1'],
  [...PEER, 'endpoint', '192.0.2:1'],
  [...PEER, 'endpoint', '[fe80::1%lo]:1'],
  [...PEER, 'endpoint', 'localhost:domain'],
  [...PEER, 'endpoint', 'dolores.example.net:51820'],
  [...PEER, 'endpoint', '[dolores.example.net]:51820'],
  [...PEER, 'persistent-keepalive', '25'],
  [...PEER, 'persistent-keepalive', 'Off'],
  [...PEER, 'allowed-ips', ''],
  [...PEER, 'allowed-ips', '10.0.0.0/8'],
  [...PEER, 'allowed-ips', ' 10.0.0.1/8 ,\tfd00::1/64, 0.0.0.0/0,::/0, 192.0.2.1,2001:db8::1'],
  [...PEER, 'allowed-ips', '::ffff:1.2.3.4/96,::1.2.3.4,::5,1::0.5.0.6/128'],
  [...PEER, 'allowed-ips', '10.0.0.0/8', 'allowed-ips', '10.1.0.0/16'],
  [...PEER, 'allowed-ips', '10.0.0.0/08', 'peer', OTHER, 'allowed-ips', '10.2.0.0/16', ...PEER, 'remove'],
  ['fwmark', '7', ...PEER, 'endpoint', '192.0.2.1:1', 'preshared-key', '/run/key', 'persistent-keepalive', '1'],
];

const MISTAKES: readonly (readonly string[])[] = [
  ['nonsense', '1'],
  ['listen-port'],
  ['listen-port', ''],
  ['listen-port', 'http-and-more'],
  ['listen-port', '-1'],
  ['listen-port', '1', 'peer'],
  ['fwmark', ''],
  ['fwmark', 'high'],
  ['fwmark', '-1'],
  ['fwmark', '0x'],
  ['fwmark', '0X10'],
  ['fwmark', '4294967296'],
  ['private-key', '/run/missing'],
  ['private-key', '/run/short-key'],
  ['private-key', '/run/long-key'],
  ['private-key', '/run/wrong-key'],
  ['remove'],
  ['endpoint', '192.0.2.1:1'],
  ['peer', ''],
  ['peer', 'short'],
  ['peer', 'A'.repeat(44)],
  [...PEER, 'listen-port', '1'],
  [...PEER, 'preshared-key', '/run/missing'],
  [...PEER, 'endpoint'],
  [...PEER, 'endpoint', ''],
  [...PEER, 'endpoint', '192.0.2.1'],
  [...PEER, 'endpoint', '192.0.2.1:'],
  [...PEER, 'endpoint', '[2001:db8::1]'],
  [...PEER, 'endpoint', '[2001:db8::1]51820'],
  [...PEER, 'endpoint', '[2001:db8::1:51820'],
  [...PEER, 'endpoint', '[fe80::1%nowhere]:1'],
  [...PEER, 'endpoint', 'nowhere.example.net:1'],
  [...PEER, 'endpoint', '-s:1'],
  [...PEER, 'persistent-keepalive', ''],
  [...PEER, 'persistent-keepalive', '-1'],
  [...PEER, 'persistent-keepalive', '65536'],
  [...PEER, 'persistent-keepalive', '1s'],
  [...PEER, 'allowed-ips', '10.0.0.0/8,'],
  [...PEER, 'allowed-ips', '10.0.0.1/8,10.0.0.0/33,10.0.0.2/8'],
  [...PEER, 'allowed-ips', '10.0.0.0/'],
  [...PEER, 'allowed-ips', '10.0.0.0/-1'],
  [...PEER, 'allowed-ips', '10.0.0.0/8/8'],
  [...PEER, 'allowed-ips', '+10.0.0.0/8'],
  [...PEER, 'allowed-ips', '-10.0.0.0/8'],
  [...PEER, 'allowed-ips', '10.1/16'],
  [...PEER, 'allowed-ips', '010.0.0.0/8'],
  [...PEER, 'allowed-ips', 'fd00::/129'],
  [...PEER, 'allowed-ips', 'fd00:::/64'],
  [...PEER, 'allowed-ips', 'fe80::1%lo/64'],
  [...PEER, 'allowed-ips', '::1.2.3.04'],
];

describe('wg set', labOptions('wg'), () => {
  let beside: BesideWg;
  let tunnel: RunningProcess;
  before(async () => {
    beside = await BesideWg.open();
    tunnel = await beside.serve('wg0', 'errno=0\n\n');
    await beside.write('/etc/nsswitch.conf', 'hosts: files\nservices: files\n');
    await beside.host.addNames({ 'dolores.example.net': ['203.0.113.54'] });
    await beside.write('/run/key', `${KEY}\n \t\n`);
    await beside.write('/run/short-key', 'short\n');
    await beside.write('/run/long-key', `${KEY}\n  x\n`);
    await beside.write('/run/wrong-key', `${'A'.repeat(44)}\n`);
  });
  after(() => beside[Symbol.asyncDispose]());

  for (const args of CHANGES)
    it(`tells a tunnel what Debian's tells it: ${args.join(' ').replaceAll(KEY, 'KEY')}`, async () => {
      assert.match(await beside.sameChange(tunnel, ['set', 'wg0', ...args]), /^set=1\n/);
    });

  it("says of mistakes what Debian's says, and tells the tunnel nothing", async () => {
    const before = tunnel.stdout;
    for (const args of MISTAKES) assert.equal((await beside.same(['set', 'wg0', ...args])).exitCode, 1);
    assert.equal(tunnel.stdout, before);
  });

  it('leaves a key alone when the program that was to print it printed nothing', async () => {
    const before = tunnel.stdout;
    for (const command of ['private-key', `peer ${KEY} preshared-key`])
      assert.equal((await beside.same(['set', 'wg0', ...command.split(' '), '/dev/stdin'])).exitCode, 1);
    assert.equal(tunnel.stdout, before);
  });

  it('reports what a tunnel refuses', async () => {
    for (const errno of [-98, -22, -13, -1, -12345]) {
      const name = `wg${-errno}`;
      await beside.serve(name, 'errno=0\n\n', errno);
      assert.equal((await beside.same(['set', name, 'listen-port', '1'])).exitCode, 1);
    }
  });

  it('asks again for a name while its server does not answer', async () => {
    await using offline = await BesideWg.open();
    await offline.serve('wg0', 'errno=0\n\n');
    await offline.write('/etc/nsswitch.conf', 'hosts: dns\n');
    await offline.write('/etc/resolv.conf', 'nameserver 127.0.0.1\n');
    for (const retries of ['0', '2', 'many']) {
      const args = ['set', 'wg0', ...PEER, 'endpoint', 'dolores.example.net:51820'];
      const { stderr, exitCode } = await offline.same(args, { env: { WG_ENDPOINT_RESOLUTION_RETRIES: retries } });
      assert.equal(exitCode, 1);
      assert.equal(stderr.split('Trying again').length - 1, retries === '2' ? 2 : 0);
    }
  });
});
