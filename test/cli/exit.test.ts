/** A default route through another host of the network: chosen, kept, given up, with a real registry and real tunnels. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab, type Switch } from '../interop/lab/lab.ts';
import { enableForwarding } from '../interop/lab/nat.ts';
import type { RunningProcess } from '../interop/lab/process.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const REGISTRY = 'http://203.0.113.1:8080';
/** As docs/guide/joining.md has it. */
const MASQUERADE =
  'add table inet exit; add chain inet exit out { type nat hook postrouting priority srcnat; }; add rule inet exit out iifname wg0 oifname != wg0 masquerade';
/** Says who asked. */
const WHO = `require('node:http').createServer((q, s) => s.end(q.socket.remoteAddress)).listen(80, '::')`;

// One story: each test goes on where the one before it ended.
describe('an exit', labOptions('curl', 'wg', 'nft'), () => {
  let lab: Lab;
  let desk: Host;
  let berlin: Host;
  let teddy: Host;
  let registry: RunningProcess;

  before(async () => {
    lab = await Lab.open();
    const [internet, far] = [await lab.switch(), await lab.switch()];
    const router = await lab.host('router');
    await lab.connect(router, internet, { addresses: ['203.0.113.254/24', '2001:db8:1::fe/64'] });
    await lab.connect(router, far, { interface: 'eth1', addresses: ['198.51.100.1/24', '2001:db8:2::1/64'] });
    await enableForwarding(router);
    const elsewhere = await lab.host('elsewhere');
    await lab.connect(elsewhere, far, {
      addresses: ['198.51.100.9/24', '2001:db8:2::9/64'],
      routes: ['default via 198.51.100.1', 'default via 2001:db8:2::1'],
    });
    await elsewhere.spawn('node', ['-e', WHO]);
    desk = await addHost('desk', internet, 1);
    berlin = await addHost('berlin', internet, 2);
    teddy = await addHost('teddy', internet, 3);
    registry = await serve();
    const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
    await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
    await desk.output('peerage', ['network', 'add', 'home']);
    await teddy.waitFor('elsewhere answers', async () => (await seenFrom(4)) === '203.0.113.3');
    await teddy.waitFor('elsewhere answers by IPv6', async () => (await seenFrom(6)) === '2001:db8:1::3');
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function addHost(name: string, internet: Switch, number: number): Promise<Host> {
    const host = await lab.host(name);
    const addresses = [`203.0.113.${number}/24`, `2001:db8:1::${number}/64`];
    const routes = ['default via 203.0.113.254', 'default via 2001:db8:1::fe'];
    await lab.connect(host, internet, { addresses, routes });
    return host;
  }

  async function serve(): Promise<RunningProcess> {
    const process = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json']);
    await desk.waitFor('the registry listens', () => process.stdout.includes('\n'));
    return process;
  }

  async function join(host: Host, ...options: string[]): Promise<void> {
    const { token } = JSON.parse(await desk.output('peerage', ['token', '--json'])) as { token: string };
    await host.output('peerage', ['join', REGISTRY, ...options], { input: `${token}\n` });
  }

  /** The address under which teddy is seen elsewhere; empty when nobody answers. */
  async function seenFrom(family: 4 | 6): Promise<string> {
    const url = family === 4 ? 'http://198.51.100.9/' : 'http://[2001:db8:2::9]/';
    const { stdout } = await teddy.run('curl', ['-s', '--max-time', '5', url]);
    return stdout.replace('::ffff:', '');
  }

  async function expectSeenFrom(host: 'berlin' | 'teddy'): Promise<void> {
    const number = host === 'berlin' ? 2 : 3;
    const log = async () =>
      `${await teddy.output('cat', ['/run/peerage/wg0.log'])}${await teddy.output('ip', ['rule'])}`;
    await teddy.waitFor(`its IPv4 goes by ${host}`, async () => (await seenFrom(4)) === `203.0.113.${number}`, {
      explain: log,
    });
    await teddy.waitFor(`its IPv6 goes by ${host}`, async () => (await seenFrom(6)) === `2001:db8:1::${number}`, {
      explain: log,
    });
  }

  const exitJson = async () =>
    JSON.parse(await teddy.output('peerage', ['exit', '--json'])) as { interface: string; exit: string; state: string };

  it('waits for the administrator, and nobody can choose it before', async () => {
    await join(berlin, '--routes', '0.0.0.0/0,::/0', '--endpoint', '203.0.113.2:55867', '--listen-port', '55867');
    await join(teddy);
    const ls = await desk.run('peerage', ['ls']);
    assert.match(ls.stdout, /berlin .* 0\.0\.0\.0\/0 \(waits\)/);
    assert.match(ls.stderr, /peerage route approve berlin/);
    const refused = await teddy.run('peerage', ['exit', 'berlin']);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /There is no exit berlin for this host/);
    assert.equal((await teddy.run('cat', ['/var/lib/peerage/wg0.exit'])).exitCode, 1);
  });

  it('passes on what another host sends to the rest of the world, once it is chosen', async () => {
    await desk.output('peerage', ['route', 'approve', 'berlin', '--yes']);
    assert.match(await desk.output('peerage', ['route', 'ls']), /berlin +::\/0 +approved/);
    await enableForwarding(berlin);
    await berlin.output('nft', [MASQUERADE]);
    assert.equal(await seenFrom(4), '203.0.113.3');
    const { stderr } = await teddy.run('peerage', ['exit', 'berlin']);
    // It waits for the agent; where that takes its time, it says that it has not been done yet.
    if (/goes through "berlin"\.\n/.test(stderr)) assert.equal((await exitJson()).state, 'in use');
    else assert.match(stderr, /goes through "berlin", as soon as its agent has heard of it; until then/);
    await expectSeenFrom('berlin');
    assert.match(await desk.output('peerage', ['ls']), /^teddy .* berlin /m);
  });

  it('stays chosen when the interface goes down and up', async () => {
    await teddy.output('peerage', ['down', 'wg0']);
    assert.equal(await seenFrom(4), '203.0.113.3');
    await teddy.output('peerage', ['up', 'wg0']);
    await expectSeenFrom('berlin');
  });

  it('is given up without the registry, for it may be what keeps the host from it', async () => {
    await registry.stop();
    const { exitCode, stderr } = await teddy.run('peerage', ['exit', 'none']);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /Warning: .*uses no exit all the same/);
    await expectSeenFrom('teddy');
    registry = await serve();
  });

  it('may be chosen with joining', async () => {
    await teddy.output('peerage', ['leave']);
    await join(teddy, '--exit', 'berlin');
    await expectSeenFrom('berlin');
  });

  it('that is removed is closed: nothing takes another way, nor after the interface was down and up', async () => {
    await desk.output('peerage', ['rm', 'berlin', '--yes']);
    await teddy.waitFor('it says so', async () => (await exitJson()).state === 'gone');
    assert.match(await teddy.output('peerage', ['status']), /exit +berlin, gone: .*`peerage exit none`/);
    assert.match(await teddy.output('cat', ['/run/peerage/wg0.log']), /the exit "berlin" is gone: .* is dropped/);
    const expectClosed = async () => {
      for (const [family, address] of [
        ['-4', '198.51.100.9'],
        ['-6', '2001:db8:2::9'],
      ] as const)
        assert.match(await teddy.output('ip', [family, 'route', 'get', address]), / dev wg0 /);
      assert.deepEqual([await seenFrom(4), await seenFrom(6)], ['', '']);
      assert.doesNotMatch(await teddy.output('wg', ['show', 'wg0', 'endpoints']), /203\.0\.113\.2/);
    };
    await expectClosed();
    await teddy.output('peerage', ['down', 'wg0']);
    await teddy.output('peerage', ['up', 'wg0']);
    await expectClosed();
    const doctor = await teddy.run('peerage', ['doctor', 'wg0', '--json']);
    assert.match(doctor.stdout, /the exit \\"berlin\\" is gone/);
    assert.doesNotMatch(doctor.stdout, /forwarded/, 'nothing lies behind it');
  });

  it('is not left by choosing one that there is not', async () => {
    const refused = await teddy.run('peerage', ['exit', 'paris']);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /There is no exit paris/);
    assert.deepEqual(await exitJson(), { interface: 'wg0', exit: 'berlin', state: 'gone' });
    assert.equal(await seenFrom(4), '');
  });

  it('is open again when the host itself gives it up', async () => {
    await teddy.output('peerage', ['exit', 'none']);
    await expectSeenFrom('teddy');
    assert.deepEqual(await exitJson(), { interface: 'wg0', exit: null, state: 'none' });
    assert.equal(await teddy.output('peerage', ['exit']), 'none\n');
    assert.doesNotMatch(await teddy.output('ip', ['rule']), /51820/);
  });

  it('and other routes may be offered later, approved and taken back', async () => {
    const offered = await teddy.run('peerage', ['offer', '172.27.88.0/24', '192.168.7.0/24']);
    assert.equal(offered.stdout, 'Waiting: 172.27.88.0/24, 192.168.7.0/24\n');
    assert.match(offered.stderr, /peerage route approve teddy/);
    await desk.output('peerage', ['route', 'approve', 'teddy', '172.27.88.0/24']);
    const listed = JSON.parse(await desk.output('peerage', ['route', 'ls', '--json'])) as unknown;
    assert.deepEqual(listed, [
      { host: 'teddy', route: '172.27.88.0/24', state: 'approved' },
      { host: 'teddy', route: '192.168.7.0/24', state: 'waiting' },
    ]);
    const doctor = await teddy.run('peerage', ['doctor', 'wg0', '--json']);
    assert.match(doctor.stdout, /IPv4 is not forwarded: nobody gets through this host to 172\.27\.88\.0\/24, 192\.168/);
    await desk.output('peerage', ['route', 'rm', 'teddy', '172.27.88.0/24', '192.168.7.0/24']);
    assert.equal((await desk.run('peerage', ['route', 'approve', 'teddy', '--yes'])).exitCode, 1);
    assert.equal(await teddy.output('peerage', ['offer', 'none']), '');
  });

  it('what wg show dump prints is a report, with curl and wg as they are', async () => {
    const auth = `curl_auth() { sed -n 's/^ *"hostKey": "\\(.*\\)",/header = "Authorization: Bearer \\1"/p' /var/lib/peerage/wg0.json; }`;
    const send = `curl -fsS --config /dev/fd/3 --data-binary @- ${REGISTRY}/v1/report 3<<END\n$(curl_auth)\nEND`;
    const whole = await teddy.output('sh', ['-c', `${auth}; wg show all dump | ${send}`]);
    assert.match(whole, /"version":\d+,"warning":"The dump held a private key/);
    const cut = await teddy.output('sh', ['-c', `${auth}; wg show wg0 dump | tail -n +2 | cut -f 1,3,5 | ${send}`]);
    assert.match(cut, /^\{"version":\d+\}$/);
  });
});
