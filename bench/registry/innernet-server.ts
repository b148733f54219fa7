/**
 * innernet-server as it is, with a tunnel of its own: in a namespace beside this one, over wireguard-go on both sides.
 * It knows hosts by the address that they ask from, so all of those that ask are addresses behind our end of the tunnel.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import { USER_NAMESPACE } from '../../test/interop/lab/requirements.ts';

export interface MeasuredInnernet {
  readonly pid: number;
  readonly url: string;
  /** What a host shows of its server. */
  readonly publicKey: string;
  /** Has these addresses, of hosts that are there, answered through our end of the tunnel. */
  takeOver(addresses: readonly string[]): void;
  close(): Promise<void>;
}

const INSIDE = 'PEERAGE_BENCH_NAMESPACE';
const SOCKETS = '/run/wireguard';
const [NETWORK, HOSTS] = ['10.1.0.0/16', '10.1.128.0/17'];
const [OUR_WIRE, SERVER_WIRE] = ['198.51.100.2', '198.51.100.1'];
const PORT = 51820;
/** The root, the server's own, and the hosts'. */
export const HOSTS_CIDR = 3;

/** The i-th host. The first, an administrator, is our end of the tunnel. */
export function addressOf(i: number): string {
  const number = i + 2;
  return `10.1.${128 + (number >> 8)}.${number & 255}`;
}

/** Runs all of this again where interfaces can be created and nobody else's are; false there. */
export function wentIntoNamespaces(): boolean {
  if (process.env[INSIDE] === undefined) {
    const namespaces = [...USER_NAMESPACE, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const env = { ...process.env, [INSIDE]: '1', WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' };
    const again = [...namespaces, process.execPath, ...process.argv.slice(1)];
    process.exitCode = spawnSync('unshare', again, { stdio: 'inherit', env }).status ?? 1;
    return true;
  }
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  for (const folder of [SOCKETS, '/run/netns']) mkdirSync(folder);
  ip('link set lo up', 'netns add server', 'link add wire type veth peer name wire netns server');
  ip(`address add ${OUR_WIRE}/24 dev wire`, 'link set wire up');
  ip(`-n server address add ${SERVER_WIRE}/24 dev wire`, '-n server link set wire up', '-n server link set lo up');
  // Whatever address a host asks from is one of ours.
  ip(`route add local ${HOSTS} dev lo`);
  return false;
}

/** With a network of this many hosts, all of which see each other. */
export async function startInnernet(program: string, hosts: number): Promise<MeasuredInnernet> {
  // Not in memory, as with ours.
  const folder = await mkdtemp(join(process.env['TMPDIR'] ?? tmpdir(), 'peerage-bench-'));
  const folders = ['--config-dir', folder, '--data-dir', folder];
  const server = (...words: string[]): string => run(program, [...folders, ...words]);
  const endpoint = `${SERVER_WIRE}:${PORT}`;
  const created = ['--network-name', 'home', '--network-cidr', NETWORK, '--external-endpoint', endpoint];
  server('new', ...created, '--listen-port', `${PORT}`);
  server('add-cidr', 'home', '--name', 'hosts', '--parent', 'home', '--cidr', HOSTS, '--yes');
  const privateKey = run('wg', ['genkey']);
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, privateKey, { mode: 0o600 });
  const ours = run('wg', ['pubkey'], privateKey).trim();
  const publicKey = fill(join(folder, 'home.db'), ours, hosts);

  const serve = ['serve', 'home', '--backend', 'userspace', '--no-write-hosts'];
  const env = { ...process.env, RUST_LOG: 'error' };
  // ip becomes the program.
  const command = ['netns', 'exec', 'server', program, ...folders, ...serve];
  const child = spawn('ip', command, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const gone = once(child, 'close');
  run('wireguard-go', ['ours']);
  const peer = ['peer', publicKey, 'endpoint', endpoint, 'allowed-ips', NETWORK];
  run('wg', ['set', 'ours', 'private-key', keyFile, ...peer]);
  ip('link set ours mtu 1280 up', 'route add 10.1.0.1 dev ours');
  while (spawnSync('ip', ['netns', 'exec', 'server', 'ss', '-tlnH']).stdout.length === 0) {
    if (child.exitCode !== null) throw new Error(`${program} ended before it listened`);
    // oxlint-disable-next-line no-await-in-loop -- until it is so
    await setTimeout(50);
  }
  return {
    pid: child.pid!, // it runs
    url: `http://10.1.0.1:${PORT}`,
    publicKey,
    takeOver(addresses) {
      const all = [addressOf(0), ...addresses].map((address) => `${address}/32`).join(',');
      run('wg', ['set', 'home', 'peer', ours, 'allowed-ips', all]);
    },
    async close() {
      child.kill('SIGKILL');
      await gone;
      // wireguard-go ends with its socket; the server's namespace stays.
      ip('link delete ours', '-n server link delete home');
      await rm(folder, { recursive: true });
    },
  };
}

/** Into a new database; gives the server's public key. The same hosts as in our networks. */
function fill(file: string, ours: string, hosts: number): string {
  const database = new DatabaseSync(file);
  const insert = database.prepare(
    `INSERT INTO peers (name, ip, cidr_id, public_key, endpoint, is_admin, is_redeemed, candidates)
     VALUES (?, ?, ${HOSTS_CIDR}, ?, ?, ?, 1, '[]')`,
  );
  database.exec('BEGIN');
  for (let i = 0; i < hosts; i++) {
    const key = i === 0 ? ours : randomBytes(32).toString('base64');
    const endpoint = i > 0 && i % 2 === 0 ? `192.0.2.${i % 250}:${PORT}` : null;
    // oxlint-disable-next-line unicorn/no-null -- SQL's
    insert.run(`host-${i}`, addressOf(i), key, endpoint, i === 0 ? 1 : 0);
  }
  database.exec('COMMIT');
  const server = database.prepare('SELECT public_key AS key FROM peers WHERE id = 1').get();
  database.close();
  return String(server?.['key']);
}

function run(program: string, args: readonly string[], input = ''): string {
  return execFileSync(program, args, { encoding: 'utf8', input, stdio: 'pipe' });
}

function ip(...lines: string[]): void {
  for (const line of lines) execFileSync('ip', line.split(' '));
}
