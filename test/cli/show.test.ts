import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { UserError } from '../../src/errors.ts';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import { labOptions } from '../interop/lab/requirements.ts';
import { quietPorts } from './quiet-ports.ts';

const CANNED_UAPI = fileURLToPath(new URL('canned-uapi.ts', import.meta.url));
const FIELDS = [
  'public-key',
  'private-key',
  'listen-port',
  'fwmark',
  'peers',
  'preshared-keys',
  'endpoints',
  'allowed-ips',
  'latest-handshakes',
  'transfer',
  'persistent-keepalive',
  'dump',
];

it('peerage show says once what to do about tunnels that do not tell', async () => {
  const said: string[] = [];
  const uapi = {
    interfaces: async () => ['wg0', 'wg1'],
    exchange: async (name: string) => {
      throw new UserError(`cannot ask the tunnel ${name}: permission denied`, { remedy: 'Try again as root (sudo).' });
    },
  };
  const processes = { env: {} };
  const ports = { ...quietPorts(said), uapi, processes } as unknown as Ports; // all that it touches
  assert.equal(await runProgram(['show'], ports), 1);
  const [first, second] = ['wg0', 'wg1'].map((name) => `cannot ask the tunnel ${name}: permission denied\n`);
  assert.equal(said.join(''), `peerage: ${first}${second}  Try again as root (sudo).\n`);
});

describe('peerage show prints, byte for byte, what wg show prints', labOptions('wg'), () => {
  let lab: Lab;
  let host: Host;

  before(async () => {
    lab = await Lab.open();
    host = await lab.host('host');
    await serve('wg0', answer(deviceKeys(), manyPeers()));
    await serve('wg1', answer([], []));
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function serve(name: string, text: string): Promise<void> {
    const server = await host.spawn('node', [CANNED_UAPI, name]);
    server.write(text);
    server.endInput();
    await host.waitFor('the socket listens', () => server.stdout.includes('listening'));
  }

  /** What wg prints depends on the time: it is asked before and after, until both are the same. */
  async function compare(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    return host.waitFor(`the same second for ${args.join(' ')}`, async () => {
      const first = await host.run('wg', args, { env });
      const ours = await host.run('peerage', args, { env });
      const last = await host.run('wg', args, { env });
      if (first.stdout !== last.stdout) return undefined;
      assert.equal(ours.stdout, first.stdout, args.join(' '));
      assert.equal(ours.exitCode, first.exitCode, args.join(' '));
      return ours.stdout;
    });
  }

  it('for people, with colours and without, with keys and without', async () => {
    const plain = await compare(['show', 'wg0']);
    assert.match(plain, /private key: \(hidden\)/);
    assert.match(plain, /latest handshake: 1 year, 1 day, 1 hour, 1 minute, \d+ seconds? ago/);
    assert.ok((await compare(['show', 'wg0'], { WG_COLOR_MODE: 'always' })).includes('\u001B['));
    assert.doesNotMatch(await compare(['show', 'wg0'], { WG_HIDE_KEYS: 'never' }), /hidden/);
    await compare(['show', 'wg1']);
  });

  it('for scripts, every field of one tunnel', async () => {
    for (const args of [...FIELDS.map((field) => ['show', 'wg0', field]), ['show', 'wg1', 'dump']])
      assert.equal(await host.output('peerage', args), await host.output('wg', args), args.join(' '));
  });

  it('for scripts, fields of all tunnels, in any order of the tunnels', async () => {
    // wg lists them in the order of the folder, which is none; ours are sorted.
    const byTunnel = async (program: string, field: string): Promise<string[]> =>
      (await host.output(program, ['show', 'all', field])).split(/(?=wg[01]\t)/).sort();
    for (const field of ['public-key', 'peers', 'endpoints', 'transfer', 'dump'])
      assert.deepEqual(await byTunnel('peerage', field), await byTunnel('wg', field), field);
    const names = async (program: string): Promise<string[]> =>
      (await host.output(program, ['show', 'interfaces'])).trim().split(' ').sort();
    assert.deepEqual(await names('peerage'), await names('wg'));
  });

  it('and fails where wg fails', async () => {
    for (const args of [
      ['show', 'wg9'],
      ['show', 'wg0', 'nonsense'],
    ]) {
      const result = await host.run('peerage', args);
      assert.notEqual(result.exitCode, 0);
      assert.equal(result.stdout, '');
      assert.notEqual(result.stderr, '');
    }
  });

  it('as JSON it says the same, without keys unless they are asked for', async () => {
    const [tunnel] = JSON.parse(await host.output('peerage', ['show', 'wg0', '--json']));
    assert.equal(tunnel.listenPort, 51820);
    assert.equal(tunnel.peers.length, 6);
    assert.equal('privateKey' in tunnel, false);
    const revealed = await host.output('peerage', ['show', 'wg0', '--json'], { env: { WG_HIDE_KEYS: 'never' } });
    assert.equal(JSON.parse(revealed)[0].privateKey, await privateKey());
  });

  async function privateKey(): Promise<string> {
    return (await host.output('wg', ['show', 'wg0', 'private-key'])).trim();
  }
});

function answer(device: readonly string[], peers: readonly string[]): string {
  return [...device, ...peers, 'errno=0', '', ''].join('\n');
}

function deviceKeys(): string[] {
  return [`private_key=${'e8'.repeat(31)}7a`, 'listen_port=51820', 'fwmark=255'];
}

/** A peer for every way in which a line can look. */
function manyPeers(): string[] {
  const now = Math.floor(Date.now() / 1000);
  const long = 365 * 86_400 + 86_400 + 3600 + 60 + 1;
  return [
    ...peerLines({ handshake: 0, rx: 0, tx: 0, keepalive: 0 }, 'endpoint=[2001:db8::1]:51820'),
    ...peerLines({ handshake: now - long, rx: 1023, tx: 1024, keepalive: 1 }, 'endpoint=203.0.113.54:55867'),
    ...peerLines({ handshake: now - 3661, rx: 1024 ** 2 - 1, tx: 1024 ** 2, keepalive: 60 }),
    ...peerLines({ handshake: now - 120, rx: 1024 ** 3, tx: 1024 ** 4, keepalive: 65_535 }, 'allowed_ip=::/0'),
    ...peerLines(
      { handshake: now + 1000, rx: 0, tx: 5, keepalive: 3601 },
      'allowed_ip=10.0.0.0/8',
      'allowed_ip=fd00::/64',
    ),
    ...peerLines({ handshake: now - 1, rx: 1024 ** 5 * 3, tx: 1, keepalive: 25 }, 'endpoint=[fe80::1%2]:1'),
  ];
}

let peers = 0;

function peerLines(
  state: { handshake: number; rx: number; tx: number; keepalive: number },
  ...more: string[]
): string[] {
  peers++;
  return [
    `public_key=${'b8'.repeat(31)}0${peers}`,
    `preshared_key=${(peers % 2 === 0 ? '15' : '00').repeat(32)}`,
    'protocol_version=1',
    `last_handshake_time_sec=${state.handshake}`,
    `last_handshake_time_nsec=${state.handshake === 0 ? 0 : 500}`,
    `tx_bytes=${state.tx}`,
    `rx_bytes=${state.rx}`,
    `persistent_keepalive_interval=${state.keepalive}`,
    ...more,
  ];
}
