/**
 * The whole command line, whatever runs it: a registry, hosts that join it, tunnels as `peerage`, as wg-quick and as a service, each
 * step typed as a person would.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DOCS_VERSION } from '../../src/registry/render/docs-page.ts';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import type { RunningProcess } from '../interop/lab/process.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const LISTEN = '203.0.113.1:8080';
const REGISTRY = `http://${LISTEN}`;
const FOLDER = '/var/lib/peerage';
const DATABASE = `${FOLDER}/registry.db`;
const COPY = `${FOLDER}/copy.db`;

/** What a host of the lab gets in place of the programs of the checkout. */
export interface InstalledPrograms {
  /** Puts `peerage`, `wg`, `wg-quick` and `peerage-tun` into /run/bin. */
  install(host: Host): Promise<void>;
  /** How a registry is served with its database in /var/lib/peerage; `peerage`, unless said. */
  registry?: readonly [program: string, ...args: string[]];
  /** Matches the command lines of the daemon and of the agent, and those of nothing else. */
  processes: { daemon: RegExp; agent: RegExp };
}

// One story: each test goes on where the one before it ended.
export function commandLineConformance(name: string, programs: InstalledPrograms): void {
  describe(`the command line on ${name}`, labOptions('curl', 'ping', 'socat', 'systemd-notify'), () => {
    const [serve, ...serveArgs] = programs.registry ?? ['peerage'];
    let lab: Lab;
    let desk: Host;
    let dolores: Host;
    let teddy: Host;
    let registry: RunningProcess;

    before(async () => {
      lab = await Lab.open();
      const internet = await lab.switch();
      [desk, dolores, teddy] = [await lab.host('desk'), await lab.host('dolores'), await lab.host('teddy')];
      for (const [i, host] of [desk, dolores, teddy].entries()) {
        await lab.connect(host, internet, { addresses: [`203.0.113.${i + 1}/24`] });
        await programs.install(host);
      }
    });
    after(async () => lab[Symbol.asyncDispose]());

    /** Later than at once: the other side may not have heard of this one yet. */
    async function expectAnswer(from: Host, address: string): Promise<void> {
      const shown = async () => {
        const outputs = await Promise.all([dolores, teddy].map((host) => host.output('wg', ['show'])));
        return outputs.join('\n');
      };
      await from.waitFor(`${address} answers`, () => from.canPing(address), { explain: shown });
    }

    const json = async <T>(host: Host, ...args: string[]): Promise<T> =>
      JSON.parse(await host.output('peerage', [...args, '--json'])) as T; // as the command's help says

    async function commandLines(host: Host): Promise<string[]> {
      const lines = await host.output('sh', ['-c', 'for f in /proc/[0-9]*/cmdline; do tr "\\0" " " <$f; echo; done']);
      return lines.split('\n');
    }

    async function startRegistry(): Promise<{ adminKey?: string }> {
      const args = ['registry', 'serve', '--db', DATABASE, '--listen', LISTEN, '--json'];
      registry = await desk.spawn(serve, [...serveArgs, ...args]);
      await desk.waitFor('the registry listens', () => registry.stdout.includes('\n'), {
        explain: () => registry.stderr,
      });
      return JSON.parse(registry.stdout) as { adminKey?: string };
    }

    it('serves a registry, and administers it', async () => {
      await desk.output('mkdir', ['-m', '700', FOLDER]);
      const { adminKey } = await startRegistry();
      await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
      await desk.output('peerage', ['network', 'add', 'home']);
      assert.match(
        await desk.output('curl', ['-fsS', `${REGISTRY}/docs/${DOCS_VERSION}/swagger-ui.css`]),
        /^\.swagger-ui/,
      );
      assert.match(await desk.output('peerage', ['network', 'ls']), /^home +home\.internal +10\./m);
      assert.match(await desk.output('peerage', ['token']), /peerage join http:\/\/203\.0\.113\.1:8080\/pgt_/);
      const revoked = await json<{ id: string }>(desk, 'token');
      await desk.output('peerage', ['token', 'rm', revoked.id, '--yes']);
      const tokens = await json<{ id: string; state: string }[]>(desk, 'token', 'ls');
      assert.deepEqual(tokens.map(({ id, state }) => `${state}${id === revoked.id ? ', that one' : ''}`).sort(), [
        'good',
        'revoked, that one',
      ]);
    });

    it('joins two hosts, which reach each other', async () => {
      for (const host of [dolores, teddy]) {
        const { token } = await json<{ token: string }>(desk, 'token');
        const address = host === dolores ? '203.0.113.2' : '203.0.113.3';
        const options = ['--endpoint', `${address}:55867`, '--listen-port', '55867'];
        await host.output('peerage', ['join', REGISTRY, ...options], { input: `${token}\n` });
      }
      const hosts = await json<{ name: string; addresses: string[] }[]>(desk, 'ls');
      assert.deepEqual(hosts.map((host) => host.name).sort(), ['dolores', 'teddy']);
      const [address = ''] = hosts.find((host) => host.name === 'teddy')!.addresses;
      await expectAnswer(dolores, address);
    });

    it('keeps the peers current in the background, with a tunnel and an agent of its own', async () => {
      const { daemon, agent } = programs.processes;
      const running = await commandLines(dolores);
      assert.equal(running.filter((line) => daemon.test(line)).length, 1, running.join('\n'));
      assert.equal(running.filter((line) => agent.test(line)).length, 1, running.join('\n'));
      const [status] = await json<{ isUp: boolean; agent: { isRunning: boolean } }[]>(dolores, 'status');
      assert.deepEqual([status?.isUp, status?.agent.isRunning], [true, true]);
      assert.match(await dolores.output('wg', ['show', 'wg0']), /latest handshake: /);
      assert.match(await dolores.output('peerage', ['show']), /^interface: wg0\n/m);
    });

    it('says how all of it is', async () => {
      // Whatever else it finds on this machine.
      const { stdout } = await dolores.run('peerage', ['doctor', 'wg0', '--json']);
      const findings = JSON.parse(stdout) as { severity: string; what: string }[];
      assert.ok(
        findings.some(({ severity, what }) => severity === 'ok' && what.startsWith('wg0 is up')),
        JSON.stringify(findings),
      );
    });

    it('takes a tunnel down and brings it up again', async () => {
      await teddy.output('peerage', ['down', 'wg0']);
      assert.equal(await teddy.output('wg', ['show', 'interfaces']), '');
      await teddy.output('peerage', ['up', 'wg0']);
      const hosts = await json<{ name: string; addresses: string[] }[]>(desk, 'ls');
      const [address = ''] = hosts.find((host) => host.name === 'dolores')!.addresses;
      await expectAnswer(teddy, address);
    });

    it('keeps a copy of the registry, and serves it again from that', async () => {
      await desk.output('peerage', ['registry', 'backup', '--db', DATABASE, COPY]);
      await registry.signal('SIGTERM');
      assert.equal((await registry.result).exitCode, 0, registry.stderr);
      await desk.output('peerage', ['registry', 'restore', '--yes', '--db', DATABASE, COPY]);
      assert.equal((await startRegistry()).adminKey, undefined);
      assert.equal((await json<unknown[]>(desk, 'ls')).length, 2);
    });

    it('lets a host leave, and removes one', async () => {
      await teddy.output('peerage', ['leave']);
      await desk.output('peerage', ['rm', 'dolores', '--yes']);
      assert.deepEqual(await json<unknown[]>(desk, 'ls'), []);
      const actions = await desk.output('peerage', ['audit']);
      for (const name of ['dolores', 'teddy']) assert.match(actions, new RegExp(`\\b${name}\\b`));
      await dolores.output('peerage', ['leave', '--force']);
      for (const host of [dolores, teddy])
        assert.equal(await host.output('sh', ['-c', 'ls -A /etc/wireguard /run/wireguard | grep conf || true']), '');
    });

    it('is wg and wg-quick, with configurations that it planned', async () => {
      const endpoints = ['dolores=203.0.113.2:51820', 'teddy=203.0.113.3:51820'];
      const options = ['--hosts', 'dolores,teddy', ...endpoints.flatMap((endpoint) => ['--endpoint', endpoint])];
      type Planned = { hosts: { name: string; addresses: string[] }[] };
      const planned = await json<Planned>(desk, 'plan', ...options, '--out', '/run/planned');
      await desk.output('peerage', ['check', '/run/planned/dolores.conf', '/run/planned/teddy.conf']);
      for (const host of [dolores, teddy]) {
        const file = await desk.output('cat', [`/run/planned/${host.name}.conf`]);
        await host.output('sh', ['-c', 'umask 077; cat >/etc/wireguard/wg1.conf'], { input: file });
        await host.output('wg-quick', ['up', 'wg1']);
      }
      const [address = ''] = planned.hosts.find((host) => host.name === 'teddy')!.addresses;
      await expectAnswer(dolores, address.replace(/\/\d+$/, ''));
      assert.match(await dolores.output('wg', ['show', 'wg1', 'latest-handshakes']), /\t[1-9]\d+\n$/);
      const psk = await dolores.output('wg', ['genpsk']);
      const peer = (await dolores.output('wg', ['show', 'wg1', 'peers'])).trim();
      await dolores.output('sh', ['-c', 'umask 077; cat >/etc/wireguard/psk'], { input: psk });
      await dolores.output('wg', ['set', 'wg1', 'peer', peer, 'preshared-key', '/etc/wireguard/psk']);
      await dolores.output('wg-quick', ['save', 'wg1']);
      assert.ok((await dolores.output('wg-quick', ['strip', 'wg1'])).includes(psk.trim()));
      for (const host of [dolores, teddy]) await host.output('wg-quick', ['down', 'wg1']);
    });

    it('is a service that ends with its interface', async () => {
      const listener = await teddy.spawn('socat', ['-u', 'UNIX-RECV:/run/notify', '-']);
      await teddy.waitFor(
        'somebody listens',
        async () => (await teddy.run('test', ['-S', '/run/notify'])).exitCode === 0,
      );
      const service = await teddy.spawn('peerage', ['service', 'run', 'wg1'], {
        env: { NOTIFY_SOCKET: '/run/notify' },
      });
      await teddy.waitFor('it is ready', () => listener.stdout.includes('READY=1'), { explain: () => service.stderr });
      assert.equal(await teddy.output('peerage', ['show', 'interfaces']), 'wg1\n');
      await service.signal('SIGTERM');
      assert.equal((await service.result).exitCode, 0, service.stderr);
    });

    it('is peerage-tun, and leaves no socket and no process behind', async () => {
      await dolores.output('peerage-tun', ['wg2']);
      assert.equal(await dolores.output('wg', ['show', 'interfaces']), 'wg2\n');
      await dolores.output('ip', ['link', 'delete', 'wg2']);
      for (const host of [dolores, teddy]) {
        await host.waitFor('its sockets are gone', async () => (await host.output('ls', ['/run/wireguard'])) === '');
        await host.waitFor('its processes are gone', async () => {
          const lines = await commandLines(host);
          return !lines.some((line) => Object.values(programs.processes).some((pattern) => pattern.test(line)));
        });
      }
    });
  });
}
