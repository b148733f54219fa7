/**
 * The join script on systems as small as OpenWrt and Alpine: BusyBox as the shell and for all its programs, no wg-quick. On
 * a kernel without WireGuard wireguard-go carries the tunnel.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const REGISTRY = 'http://203.0.113.1:8080';
const SMALL = '/run/small';

/** BusyBox is /bin/sh, too, for the script that the join script writes. */
const MAKE_SMALL = `mkdir ${SMALL}
busybox --install -s ${SMALL}
for program in curl wg wireguard-go $1; do ln -sf "$(command -v $program)" ${SMALL}/; done
mount --bind "$(command -v busybox)" "$(readlink -f /bin/sh)"`;

// One story: each test goes on where the one before it ended.
describe('the join script without wg-quick', labOptions('curl', 'wg', 'wireguard-go', 'busybox'), () => {
  let lab: Lab;
  let desk: Host;
  let router: Host;
  let alpine: Host;

  before(async () => {
    lab = await Lab.open();
    [desk, router, alpine] = [await lab.host('desk'), await lab.host('router'), await lab.host('alpine')];
    const internet = await lab.switch();
    await lab.connect(desk, internet, { addresses: ['203.0.113.1/24'] });
    await lab.connect(router, internet, { addresses: ['203.0.113.2/24'] });
    await lab.connect(alpine, internet, { addresses: ['203.0.113.3/24'] });
    const registry = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json']);
    await desk.waitFor('the registry listens', () => registry.stdout.includes('\n'));
    const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
    await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
    await desk.output('peerage', ['network', 'add', 'home']);
    await router.output('sh', ['-ec', MAKE_SMALL, 'sh']);
    await alpine.output('sh', ['-ec', MAKE_SMALL, 'sh', 'ip']);
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function joinBy(host: Host, env: Record<string, string>): Promise<{ exitCode: number; stderr: string }> {
    const options = ['--json', '--route', '172.27.88.0/24'];
    const { token } = JSON.parse(await desk.output('peerage', ['token', ...options])) as { token: string };
    const script = await desk.output('curl', ['-fsS', `${REGISTRY}/${token}`]);
    const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return host.run('env', [`PATH=${SMALL}`, ...settings, 'ash'], { input: script });
  }

  /** Runs a program with no others to be had than those of the small system. */
  async function onSmall(host: Host, program: string, ...args: string[]) {
    return host.run('env', [`PATH=${SMALL}`, program, ...args]);
  }

  async function refresh(host: Host, ...args: string[]): Promise<void> {
    const { exitCode, stderr } = await onSmall(host, '/etc/wireguard/wg0.refresh', ...args);
    assert.equal(exitCode, 0, stderr);
  }

  async function addressesOf(host: Host): Promise<string[]> {
    const config = await host.output('cat', ['/etc/wireguard/wg0.conf']);
    const [, addresses] = /^Address = (.+)$/m.exec(config) ?? [];
    return (addresses ?? '').split(', ').map((address) => address.split('/')[0]!);
  }

  async function reach(from: Host, to: Host): Promise<void> {
    for (const address of await addressesOf(to))
      await from.waitFor(`${to.name} answers at ${address}`, () => from.canPing(address));
  }

  it('brings up a host with the ip of BusyBox, and one with that of iproute2, and they reach each other', async () => {
    const first = await joinBy(router, { PEERAGE_ENDPOINT: '203.0.113.2:55867', PEERAGE_LISTEN_PORT: '55867' });
    assert.equal(first.exitCode, 0, first.stderr);
    assert.match(first.stderr, /bring up wg0 with: \/etc\/wireguard\/wg0\.refresh up\n/);
    const second = await joinBy(alpine, { PEERAGE_ROUTES: '172.27.88.0/24' });
    assert.equal(second.exitCode, 0, second.stderr);
    await refresh(router);
    await reach(alpine, router);
    await reach(router, alpine);
    assert.match(await router.output('ip', ['route', 'get', '172.27.88.9']), /dev wg0/);
  });

  it('refreshes again and again, and brings nothing up twice', async () => {
    await refresh(router);
    const again = await onSmall(router, '/etc/wireguard/wg0.refresh', 'up');
    assert.deepEqual([again.exitCode, again.stderr], [1, 'wg0 is up already.\n']);
    await reach(alpine, router);
  });

  it('brings a host up again after a reboot, without asking the registry', async () => {
    for (const host of [alpine, router]) {
      const advice = (await joinBy(host, {})).stderr;
      assert.match(advice, /^ {2}ip link delete dev wg0$/m);
      assert.equal((await onSmall(host, 'ip', 'link', 'delete', 'dev', 'wg0')).exitCode, 0);
    }
    await desk.ip('link set eth0 down');
    await refresh(router, 'up');
    await refresh(alpine, 'up');
    await desk.ip('link set eth0 up');
    await refresh(router);
    await reach(alpine, router);
  });

  it('that cannot be brought up says why, leaves no interface behind, and can be tried again, with peerage-tun', async () => {
    await alpine.output('sh', ['-c', `ip link delete dev wg0; rm /etc/wireguard/* ${SMALL}/wg`]);
    const incomplete = await joinBy(alpine, { PEERAGE_NAME: 'maeve' });
    assert.equal(incomplete.exitCode, 1);
    assert.match(incomplete.stderr, /wg is missing\. Install it: /);
    await alpine.output('sh', ['-c', `ln -s "$(command -v wg)" ${SMALL}; rm ${SMALL}/wireguard-go`]);
    // A kernel without WireGuard.
    const noKernel = `#!/bin/sh\n[ "$1 $2" != 'link add' ] || exit 2\nexec /usr/bin/busybox ip "$@"\n`;
    await alpine.output('sh', ['-c', `rm ${SMALL}/ip; cat >${SMALL}/ip; chmod +x ${SMALL}/ip`], { input: noKernel });
    const failed = await joinBy(alpine, { PEERAGE_NAME: 'maeve' });
    assert.equal(failed.exitCode, 1);
    assert.match(failed.stderr, /The kernel has no WireGuard, and there is no wireguard-go/);
    assert.match(failed.stderr, /Try again with: \/etc\/wireguard\/wg0\.refresh up\n/);
    await alpine.output('sh', ['-c', `ln -s /run/bin/peerage-tun ${SMALL}`]);
    const config = await alpine.output('cat', ['/etc/wireguard/wg0.conf']);
    await alpine.output('sh', ['-c', 'echo Nonsense = 1 >>/etc/wireguard/wg0.conf']);
    assert.notEqual((await onSmall(alpine, '/etc/wireguard/wg0.refresh', 'up')).exitCode, 0);
    assert.doesNotMatch(await alpine.output('ip', ['link', 'show']), /wg0/);
    await alpine.output('sh', ['-c', 'cat >/etc/wireguard/wg0.conf'], { input: config });
    await refresh(alpine, 'up');
    await refresh(router);
    await reach(alpine, router);
  });

  it('refuses an exit before anything is done: its default route needs wg-quick', async () => {
    await alpine.output('sh', ['-c', 'ip link delete dev wg0; rm /etc/wireguard/*']);
    const refused = await joinBy(alpine, { PEERAGE_EXIT: 'router' });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /PEERAGE_EXIT\) needs wg-quick, which is missing/);
    assert.equal(await alpine.output('ls', ['/etc/wireguard']), '');
  });
});
