import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import { labOptions } from '../../interop/lab/requirements.ts';

/** Programs of an init system that only note how they were called. */
const CALLS = '/run/calls';

describe('peerage service install', { ...labOptions(), timeout: 120_000 }, () => {
  let lab: Lab;
  let host: Host;

  before(async () => {
    lab = await Lab.open();
    host = await lab.host('host');
    for (const program of ['systemctl', 'rc-update', 'rc-service']) {
      const path = `/run/bin/${program}`;
      await host.output('sh', ['-c', `cat > ${path}; chmod +x ${path}`], {
        input: `#!/bin/sh\necho ${program} "$@" >> ${CALLS}\n`,
      });
    }
    await host.output('sh', [
      '-c',
      'umask 077; echo "[Interface]" | tee /etc/wireguard/wg0.conf > /etc/wireguard/wg1.conf',
    ]);
  });
  after(async () => lab[Symbol.asyncDispose]());

  /** The lines of calls that a command makes. */
  async function calls(...args: string[]): Promise<string[]> {
    await host.output('rm', ['-f', CALLS]);
    await host.output('peerage', ['service', ...args]);
    const { stdout } = await host.run('cat', [CALLS]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  it('enables what was named under systemd, and what is up already only for the next boot', async () => {
    await host.output('mkdir', ['-p', '/run/systemd/system']);
    await host.output('peerage', ['tun', 'wg1']);
    assert.deepEqual(await calls('install', 'wg0', 'wg1', '--registry', '--enable'), [
      'systemctl daemon-reload',
      'systemctl enable --now peerage@wg0.service',
      'systemctl enable peerage@wg1.service',
      'systemctl enable --now peerage-registry.service',
    ]);
    await host.output('test', ['-f', '/etc/systemd/system/peerage@.service']);
    await host.output('test', ['-f', '/etc/systemd/system/peerage-registry.service']);
  });

  it('only says what would come next when it was not told to enable', async () => {
    assert.deepEqual(await calls('install', 'wg0'), ['systemctl daemon-reload']);
    const { stderr } = await host.run('peerage', ['service', 'install', 'wg0']);
    assert.match(stderr, /Next:\n {2}systemctl enable --now peerage@wg0\.service\n/);
  });

  it('uninstall disables what is enabled, stops what merely runs, and leaves the registry alone', async () => {
    const wants = '/etc/systemd/system/multi-user.target.wants';
    await host.output('sh', ['-c', `mkdir -p ${wants}; ln -s ../peerage@.service ${wants}/peerage@wg0.service`]);
    assert.deepEqual(await calls('uninstall'), [
      'systemctl disable --now peerage@wg0.service',
      'systemctl stop peerage@*.service',
      'systemctl daemon-reload',
    ]);
    assert.equal((await host.run('test', ['-e', '/etc/systemd/system/peerage@.service'])).exitCode, 1);
    await host.output('test', ['-f', '/etc/systemd/system/peerage-registry.service']);
  });

  it('makes a link for each interface under OpenRC, and takes it away again', async () => {
    assert.deepEqual(await calls('install', 'wg0', '--openrc', '--enable'), [
      'rc-update add peerage.wg0 default',
      'rc-service peerage.wg0 start',
    ]);
    assert.equal(await host.output('readlink', ['/etc/init.d/peerage.wg0']), 'peerage\n');
    assert.deepEqual(await calls('uninstall', '--openrc'), [
      'rc-service --ifstarted peerage.wg0 stop',
      'rc-update --all delete peerage.wg0',
    ]);
    assert.equal((await host.run('test', ['-e', '/etc/init.d/peerage.wg0'])).exitCode, 1);
  });

  it('refuses an interface without a file, and names that an init system would read otherwise', async () => {
    const missing = await host.run('peerage', ['service', 'install', 'wg9']);
    assert.equal(missing.exitCode, 1);
    assert.match(missing.stderr, /\/etc\/wireguard\/wg9\.conf does not exist/);
    assert.equal((await host.run('peerage', ['service', 'install', 'a+b'])).exitCode, 2);
    await host.output('rm', ['-r', '/run/systemd']);
    await host.output('rm', ['/run/bin/rc-update']);
    const neither = await host.run('peerage', ['service', 'install', 'wg0']);
    assert.match(neither.stderr, /neither systemd nor OpenRC runs this host/);
  });
});
