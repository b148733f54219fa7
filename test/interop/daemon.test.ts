import assert from 'node:assert/strict';
import { it } from 'node:test';
import { installPrograms, type Ours } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab } from './lab/lab.ts';
import { describeOurs } from './pairings.ts';

const SOCKET = '/var/run/wireguard/wg0.sock';

// The contract that wg-quick(8) relies on when it starts a userspace implementation.
describeOurs('the daemon', defineTests, { programs: ['wg-quick'] });

function defineTests(ours: Ours): void {
  it('goes to the background once it can be configured', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await installPrograms(host, ours);
    await host.output('peerage-tun', ['wg0']);
    assert.match(await host.output('wg', ['show', 'wg0']), /^interface: wg0\n/);
    assert.equal(await host.output('stat', ['-c', '%a', SOCKET]), '600\n');
    assert.equal((await runningDaemons(host)).length, 1);
  });

  it('stays in the foreground when WG_PROCESS_FOREGROUND is 1, and only then', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await installPrograms(host, ours);
    const env = { WG_PROCESS_FOREGROUND: '1' };
    const daemon = await host.spawn('peerage-tun', ['wg0'], { env });
    await host.waitFor('it answers', async () => (await host.run('wg', ['show', 'wg0'])).exitCode === 0);
    assert.deepEqual(await runningDaemons(host), [`${daemon.pid}`]);
    assert.equal(daemon.hasExited, false);
    await host.ip('link del wg0');
    assert.deepEqual(await daemon.result, { exitCode: 0, stdout: '', stderr: '' });
    await host.output('peerage-tun', ['wg0'], { env: { WG_PROCESS_FOREGROUND: '0' } });
    assert.equal((await runningDaemons(host)).length, 1);
  });

  it('ends when its interface is deleted, and takes its socket with it', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await installPrograms(host, ours);
    await host.output('peerage-tun', ['wg0']);
    await host.ip('link del wg0');
    await untilGone(host);
  });

  for (const signal of ['TERM', 'INT'])
    it(`ends on SIG${signal}, and takes its interface and socket with it`, async () => {
      await using lab = await Lab.open();
      const host = await lab.host('a');
      await installPrograms(host, ours);
      await host.output('peerage-tun', ['wg0']);
      const [pid] = await runningDaemons(host);
      await host.output('kill', ['-s', signal, pid!]);
      await untilGone(host);
    });

  it('starts where a killed one has left its socket, but not beside a running one', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await installPrograms(host, ours);
    await host.output('peerage-tun', ['wg0']);
    const { exitCode, stderr } = await host.run('peerage-tun', ['wg0']);
    assert.equal(exitCode, 1);
    assert.match(stderr, /wg0/);
    await host.output('kill', ['-s', 'KILL', (await runningDaemons(host))[0]!]);
    await host.waitFor('the interface is gone', async () => !(await exists(host, '/sys/class/net/wg0')));
    assert.equal(await exists(host, SOCKET), true);
    await host.output('peerage-tun', ['wg0']);
    await host.output('wg', ['show', 'wg0']);
  });

  it('is started, set up and ended by wg-quick', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await installPrograms(host, ours);
    const privateKey = (await host.output('wg', ['genkey'])).trim();
    const publicKey = (await host.output('wg', ['pubkey'], { input: await host.output('wg', ['genkey']) })).trim();
    await host.output('sh', ['-c', 'umask 077; cat >/etc/wireguard/wg0.conf'], {
      input: `[Interface]
        PrivateKey = ${privateKey}
        ListenPort = 51820
        Address = 10.9.0.1/24, fd09::1/64
        [Peer]
        PublicKey = ${publicKey}
        Endpoint = 192.0.2.2:51820
        PersistentKeepalive = 25
        AllowedIPs = 10.9.0.2/32, 10.20.0.0/16, fd09::2/128`,
    });
    const env = { WG_QUICK_USERSPACE_IMPLEMENTATION: 'peerage-tun' };
    await host.output('wg-quick', ['up', 'wg0'], { env });
    assert.match(await host.output('ip', ['route']), /10\.20\.0\.0\/16 dev wg0/);
    assert.equal(
      (await host.output('wg', ['show', 'wg0', 'dump'])).split('\n')[1],
      `${publicKey}\t(none)\t192.0.2.2:51820\t10.9.0.2/32,10.20.0.0/16,fd09::2/128\t0\t0\t0\t25`,
    );
    await host.output('wg-quick', ['down', 'wg0'], { env });
    await untilGone(host);
  });
}

async function untilGone(host: Host): Promise<void> {
  await host.waitFor('nothing of it is left', async () => {
    const left = [await exists(host, SOCKET), await exists(host, '/sys/class/net/wg0')];
    return !left.includes(true) && (await runningDaemons(host)).length === 0;
  });
}

async function runningDaemons(host: Host): Promise<string[]> {
  return (await host.run('pgrep', ['-f', 'peerage-tun'])).stdout.split('\n').filter((pid) => pid !== '');
}

async function exists(host: Host, path: string): Promise<boolean> {
  return (await host.run('test', ['-e', path])).exitCode === 0;
}
