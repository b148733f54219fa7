import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import type { RunningProcess } from '../../interop/lab/process.ts';
import { labOptions } from '../../interop/lab/requirements.ts';

const PEER_KEY = 'Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=';
const OTHER_KEY = 'WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=';
const NOTIFY_SOCKET = '/run/notify';

const options = { ...labOptions('wg', 'socat', 'systemd-notify', 'curl'), timeout: 120_000 };

describe('services', options, () => {
  let lab: Lab;
  let host: Host;

  before(async () => {
    lab = await Lab.open();
    host = await lab.host('host');
    await lab.connect(host, await lab.switch(), { addresses: ['192.0.2.1/24'] });
    await host.output('sh', ['-c', 'umask 077; peerage genkey > /etc/wireguard/wg0.key']);
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function write(more: string): Promise<void> {
    const input = `[Interface]
PostUp = wg set %i private-key /etc/wireguard/wg0.key
PostUp = echo up >> /run/hooks
PreDown = ip link show %i >/dev/null && echo down >> /run/hooks
Address = 10.9.0.1/24
ListenPort = 51999
${more}`;
    await host.output('sh', ['-c', 'umask 077; cat > /etc/wireguard/wg0.conf'], { input });
  }

  /** Stands in for systemd: resolves when the service has told that it is ready. */
  async function start(args: readonly string[] = ['service', 'run', 'wg0']): Promise<RunningProcess> {
    await host.output('rm', ['-f', NOTIFY_SOCKET, '/run/hooks']);
    const listener = await host.spawn('socat', ['-u', `UNIX-RECV:${NOTIFY_SOCKET}`, '-']);
    await host.waitFor('somebody listens', async () => (await host.run('test', ['-S', NOTIFY_SOCKET])).exitCode === 0);
    const service = await host.spawn('peerage', args, { env: { NOTIFY_SOCKET } });
    const explain = (): string => service.stderr;
    await host.waitFor('it is ready', () => listener.stdout.includes('READY=1'), { timeoutMs: 20_000, explain });
    await listener.signal('SIGTERM');
    return service;
  }

  async function isUp(): Promise<boolean> {
    return (await host.output('peerage', ['show', 'interfaces'])) !== '';
  }

  it('is ready when the interface answers, and takes it down in order when it is told to end', async () => {
    await write('');
    const service = await start();
    assert.match(await host.output('ip', ['address', 'show', 'dev', 'wg0']), /10\.9\.0\.1/);
    assert.equal(await host.output('cat', ['/run/hooks']), 'up\n', 'PostUp lines come before readiness');
    await service.signal('SIGTERM');
    const { exitCode, stderr } = await service.result;
    assert.equal(exitCode, 0, stderr);
    assert.equal(await host.output('cat', ['/run/hooks']), 'up\ndown\n');
    assert.equal(await isUp(), false);
  });

  it('ends the same way when somebody types `peerage down`', async () => {
    await write('');
    const service = await start();
    await host.output('peerage', ['down', 'wg0']);
    assert.equal((await service.result).exitCode, 0);
    assert.equal(await host.output('cat', ['/run/hooks']), 'up\ndown\n', 'once, not by both');
  });

  it('fails when its interface goes, so that systemd starts it again', async () => {
    await write('');
    const service = await start();
    await host.output('sh', ['-c', 'kill -9 $(pgrep -f "[p]eerage-tun.* wg0")']);
    const { exitCode, stderr } = await service.result;
    assert.equal(exitCode, 1);
    assert.match(stderr, /the interface wg0 went without being asked to/);
    const again = await start();
    await again.signal('SIGTERM');
    assert.equal((await again.result).exitCode, 0);
  });

  it('comes up though a name has no address yet', async () => {
    await write(`[Peer]\nPublicKey = ${PEER_KEY}\nAllowedIPs = 10.9.0.2/32\nEndpoint = nowhere.invalid:1\n`);
    const service = await start();
    assert.equal(await isUp(), true);
    await service.signal('SIGTERM');
    assert.equal((await service.result).exitCode, 0);
  });

  it('reload heeds a changed file, and leaves alone what the file does not say', async () => {
    const peer = `[Peer]\nPublicKey = ${PEER_KEY}\nAllowedIPs = 10.9.0.2/32\n`;
    await write(peer);
    const service = await start();
    const key = await host.output('wg', ['show', 'wg0', 'private-key']);
    await host.output('wg', ['set', 'wg0', 'fwmark', '0x77']);
    await write(`${peer}[Peer]\nPublicKey = ${OTHER_KEY}\nAllowedIPs = 10.9.0.3/32\n`);
    await host.output('sed', ['-i', '/ListenPort/d', '/etc/wireguard/wg0.conf']);
    await host.output('peerage', ['service', 'reload', 'wg0']);
    const show = async (field: string): Promise<string> => host.output('wg', ['show', 'wg0', field]);
    assert.match(await show('peers'), new RegExp(OTHER_KEY.replaceAll('+', String.raw`\+`)));
    assert.deepEqual(
      [await show('private-key'), await show('listen-port'), await show('fwmark')],
      [key, '51999\n', '0x77\n'],
    );
    await service.signal('SIGTERM');
    assert.equal((await service.result).exitCode, 0);
  });

  it('the registry is ready when it answers, and keeps its admin key out of its messages', async () => {
    const db = '/var/lib/peerage-registry/registry.db';
    const registry = await start(['registry', 'serve', '--db', db, '--listen', '127.0.0.1:8080']);
    await host.output('curl', ['-fsS', 'http://127.0.0.1:8080/healthz']);
    assert.match(registry.stdout, /^Admin key: pga_/);
    assert.doesNotMatch(registry.stderr, /pga_/);
    await registry.signal('SIGTERM');
    assert.equal((await registry.result).exitCode, 0);
  });
});
