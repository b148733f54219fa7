/** The daemon `peerage-tun` of a runtime, in the ways that wg-quick and service managers use it. Traffic is in test/interop. */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import { uapiClient } from '../../runtime/linux/uapi-client.ts';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import type { Command } from '../../runtime/linux/runtime.ts';
import { UserError } from '../../src/errors.ts';
import { GET_REQUEST } from '../../src/uapi/format-set.ts';
import { parseGet } from '../../src/uapi/parse-get.ts';
import { runtime } from '../runtime/this-runtime.ts';
import { programCommand } from './commands.ts';
import { inNamespace } from './in-namespace.ts';
import { waitFor } from '../interop/lab/wait.ts';

const [deleter, ...deleterArgs] = programCommand(
  fileURLToPath(new URL('programs/delete-refusing-socket.ts', import.meta.url)),
);
const [stuck, ...stuckArgs] = programCommand(fileURLToPath(new URL('programs/stuck-tunnel.ts', import.meta.url)));
const SOCKETS = '/var/run/wireguard';
const PRIVATE_KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const PUBLIC_KEY = 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=';
const PEER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';

const socketOf = (name: string) => join(SOCKETS, `${name}.sock`);
const wg = (...args: string[]) => execFileSync('wg', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const hasLink = (name: string) => spawnSync('ip', ['link', 'show', 'dev', name]).status === 0;

interface Programs {
  peerage: Command;
  peerageTun: Command;
  /** False where a process that starts another writes one descriptor over the next as it gives them new numbers. */
  renumbersDescriptors?: boolean;
}

/** `file`: the file of tests that calls this. */
export async function peerageTunConformance(file: string, programs: Programs): Promise<void> {
  const ffi = await runtime.loadFfi();
  inNamespace(file, ['wg', 'ss'], () => defineTests(programs, ffi));
}

function defineTests({ peerage, peerageTun, renumbersDescriptors = true }: Programs, ffi: Ffi): void {
  const [program, ...first] = peerageTun;
  /** In the foreground, ready. */
  async function start(name: string, env: Record<string, string> = {}, args: string[] = []) {
    const child = spawn(program, [...first, '-f', ...args, name], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (log += text));
    const explain = () => log;
    const answers = async () => child.exitCode !== null || (await uapiClient.interfaces()).includes(name);
    await waitFor('the socket answers', answers, { explain });
    assert.equal(child.exitCode, null, log); // it ended, and somebody else might answer by and by
    return { child, log: explain };
  }

  /** In the foreground. Returns as soon as its socket is there, and lets nothing else happen here before. */
  function startUntilSeen(name: string): ChildProcess {
    const child = spawn(program, [...first, '-f', name], { stdio: 'inherit' });
    const deadline = performance.now() + 60_000;
    while (!existsSync(socketOf(name)) && performance.now() < deadline);
    return child;
  }

  const folder = mkdtempSync(join(tmpdir(), 'peerage-'));
  after(() => rmSync(folder, { recursive: true }));
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, `${PRIVATE_KEY}\n`, { mode: 0o600 });

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    test(`${signal} ends it, and neither its interface nor its socket is left`, async () => {
      const { child } = await start('wg0');
      assert.equal(statSync(socketOf('wg0')).mode & 0o777, 0o600);
      assert.equal(hasLink('wg0'), true);
      assert.equal(await stop(child, signal), 0);
      assert.deepEqual(readdirSync(SOCKETS), []);
      assert.equal(hasLink('wg0'), false);
    });

  test('a signal that comes with the first sign of its socket ends it as well as a later one', async () => {
    for (let round = 0; round < 5; round++) {
      const child = startUntilSeen('wg0');
      assert.equal(await stop(child, 'SIGTERM'), 0);
      assert.deepEqual(readdirSync(SOCKETS), []);
    }
  });

  test('deleting the interface ends it and removes the socket', async () => {
    const { child } = await start('wg0');
    const exit = once(child, 'exit');
    execFileSync('ip', ['link', 'delete', 'wg0']);
    assert.deepEqual(await exit, [0, null]);
    assert.deepEqual(readdirSync(SOCKETS), []);
  });

  test('removing the socket file ends it', async () => {
    const { child } = await start('wg0');
    const exit = once(child, 'exit');
    rmSync(socketOf('wg0'));
    assert.deepEqual(await exit, [0, null]);
    assert.equal(hasLink('wg0'), false);
  });

  test('removing the socket file at its first sight ends it as well as later', async () => {
    for (let round = 0; round < 3; round++) {
      const exit = once(startUntilSeen('wg0'), 'exit');
      rmSync(socketOf('wg0'));
      assert.deepEqual(await exit, [0, null]);
    }
  });

  for (const how of ['waits', 'spins'])
    test(`one that ${how} for ever on its way to its end is ended all the same`, async () => {
      const child = spawn(stuck, [...stuckArgs, 'wg0', how], { stdio: ['ignore', 'pipe', 'inherit'] });
      assert.deepEqual(await once(child.stdout.setEncoding('utf8'), 'data'), ['ready\n']);
      const exit = once(child, 'exit');
      process.kill(child.pid!, 'SIGTERM');
      assert.deepEqual(await exit, [null, 'SIGALRM']);
      assert.equal(hasLink('wg0'), false);
    });

  test('in the background it returns once the socket answers, and lives on', async () => {
    for (const command of [
      [...peerageTun, 'wg0'],
      [...peerage, 'tun', 'wg0'],
    ]) {
      const [program = '', ...args] = command;
      const { stdout, stderr } = await promisify(execFile)(program, args);
      assert.deepEqual([stdout, stderr], ['', '']);
      assert.match(await uapiClient.exchange('wg0', GET_REQUEST), /errno=0\n\n$/);
      execFileSync('ip', ['link', 'delete', 'wg0']);
      await waitFor('the daemon removes its socket', () => !existsSync(socketOf('wg0')));
    }
  });

  test('a second one of the same name is refused, and the first is unharmed', async () => {
    const { child } = await start('wg0');
    for (const args of [['-f', 'wg0'], ['wg0']]) {
      const second = spawnSync(program, [...first, ...args], { encoding: 'utf8' });
      assert.equal(second.status, 1);
      assert.match(second.stderr, /^peerage-tun: cannot create the interface wg0: in use already/);
    }
    assert.match(await uapiClient.exchange('wg0', GET_REQUEST), /errno=0/);
    await stop(child, 'SIGTERM');
  });

  test('the socket file of a dead process is replaced, that of a living one is not', async () => {
    const dead = await start('wg0');
    await stop(dead.child, 'SIGKILL');
    assert.ok(existsSync(socketOf('wg0')));
    assert.deepEqual(await uapiClient.interfaces(), []);
    const second = await start('wg0');
    await stop(second.child, 'SIGTERM');

    const other = createServer((socket) => socket.destroy()).listen(socketOf('wg0'));
    await once(other, 'listening');
    const refused = await promisify(execFile)(program, [...first, '-f', 'wg0']).catch((error: unknown) => error);
    assert.match(String(refused), /the interface wg0 is in use: something answers on \/var\/run\/wireguard\/wg0\.sock/);
    assert.equal(hasLink('wg0'), false);
    assert.ok(existsSync(socketOf('wg0')));
    other.close();
  });

  test('whoever deletes sockets that refuse, as wg does, never finds one of a tunnel that starts', async () => {
    for (let round = 0; round < 5; round++) {
      const wgs = [1, 2].map(() => spawn(deleter, [...deleterArgs, socketOf('wg0')], { stdio: 'pipe' }));
      const said = await Promise.all(wgs.map((wg) => once(wg.stdout.setEncoding('utf8'), 'data')));
      assert.deepEqual(said, [['ready\n'], ['ready\n']]);
      const deleted = wgs.map((wg) => once(wg.stdout, 'data').then(() => 'deleted'));
      const ended = Promise.all(wgs.map((wg) => once(wg, 'exit'))).then(() => 'answered');
      const { child } = await start('wg0');
      assert.equal(await Promise.race([...deleted, ended]), 'answered');
      await stop(child, 'SIGTERM');
    }
  });

  test('one that starts while another of its name is ending waits for that', async () => {
    const ending = createServer((socket) => socket.destroy()).listen(socketOf('wg0'));
    await once(ending, 'listening');
    const child = spawn(program, [...first, '-f', 'wg0'], { stdio: 'inherit' });
    await waitFor('it has its interface', () => hasLink('wg0'));
    ending.close();
    await waitFor('it answers', async () => /errno=0/.test(await uapiClient.exchange('wg0', GET_REQUEST)));
    await stop(child, 'SIGTERM');
  });

  test('wg configures it and shows what it was told', async () => {
    const { child } = await start('wg0');
    wg('set', 'wg0', 'private-key', keyFile, 'listen-port', '5182', 'fwmark', '0xca6c');
    wg('set', 'wg0', 'peer', PEER, 'endpoint', '[2001:db8::1]:51820', 'persistent-keepalive', '25');
    wg('set', 'wg0', 'peer', PEER, 'preshared-key', keyFile, 'allowed-ips', '10.0.0.0/8,fd00::/64');
    const [own, peer] = wg('show', 'wg0', 'dump')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    assert.deepEqual(own, [PRIVATE_KEY, PUBLIC_KEY, '5182', '0xca6c']);
    assert.deepEqual(peer, [PEER, PRIVATE_KEY, '[2001:db8::1]:51820', '10.0.0.0/8,fd00::/64', '0', '0', '0', '25']);
    wg('set', 'wg0', 'peer', PUBLIC_KEY); // its own key as a peer
    assert.equal(wg('show', 'wg0', 'peers'), `${PEER}\n`);
    wg('set', 'wg0', 'peer', PEER, 'remove');
    assert.equal(wg('show', 'wg0', 'peers'), '');
    assert.deepEqual(parseGet(await uapiClient.exchange('wg0', GET_REQUEST)).listenPort, 5182);
    await stop(child, 'SIGTERM');
  });

  test('a port that is taken is answered with EADDRINUSE, and the tunnel goes on', async () => {
    const one = await start('wg0');
    const other = await start('wg1');
    wg('set', 'wg0', 'listen-port', '5001');
    wg('set', 'wg1', 'listen-port', '5002');
    for (const name of ['wg0', 'wg1']) execFileSync('ip', ['link', 'set', name, 'up']);
    await waitFor('both listen', () =>
      ['5001', '5002'].every((port) => execFileSync('ss', ['-uln']).includes(`:${port} `)),
    );
    assert.match(await uapiClient.exchange('wg1', 'set=1\nlisten_port=5001\n\n'), /^errno=-98\n\n$/);
    assert.equal(wg('show', 'wg1', 'listen-port').trim(), '5002');
    await Promise.all([stop(one.child, 'SIGTERM'), stop(other.child, 'SIGTERM')]);
  });

  test('a set of 130,000 prefixes is taken, shown and taken back', async () => {
    const { child } = await start('wg0');
    const prefixes = Array.from({ length: 130_000 }, (_, i) => `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}/32`);
    const file = join(folder, 'big.conf');
    writeFileSync(file, `[Peer]\nPublicKey = ${PEER}\nAllowedIPs = ${prefixes.join(', ')}\n`);
    wg('setconf', 'wg0', file);
    const shown = execFileSync('wg', ['show', 'wg0', 'allowed-ips'], { encoding: 'utf8', maxBuffer: 1 << 24 });
    assert.equal(shown.split(/\s+/).filter((word) => word.includes('/')).length, 130_000);
    wg('set', 'wg0', 'peer', PEER, 'allowed-ips', '');
    assert.match(wg('show', 'wg0', 'allowed-ips'), /\(none\)/);
    await stop(child, 'SIGTERM');
  });

  test('nothing private is logged, whatever was said', async () => {
    const { child, log } = await start('wg0', { LOG_LEVEL: 'verbose' });
    wg('set', 'wg0', 'private-key', keyFile, 'peer', PEER, 'preshared-key', keyFile);
    await uapiClient.exchange('wg0', `set=1\nprivate_key=${'ab'.repeat(31)}\n\n`);
    execFileSync('ip', ['link', 'set', 'wg0', 'up']);
    await waitFor('it says that it listens', () => log().includes('listening'));
    await stop(child, 'SIGTERM');
    assert.match(log(), /a UAPI request was refused/);
    for (const secret of [PRIVATE_KEY, Buffer.from(PRIVATE_KEY, 'base64').toString('hex'), 'abababab'])
      assert.ok(!log().includes(secret));
  });

  test('keys are logged for tshark only when both the flag and the file are given', async () => {
    for (const [flag, expected] of [
      [[], false],
      [['--debug'], true],
    ] as const) {
      const file = join(folder, `keys-${expected}`);
      const { child } = await start('wg0', { PEERAGE_KEYLOG: file }, [...flag]);
      assert.equal(existsSync(file), expected);
      if (expected) assert.equal(statSync(file).mode & 0o777, 0o600);
      await stop(child, 'SIGTERM');
    }
  });

  test('descriptors that were handed down are used', async () => {
    const tunFd = openTunDescriptor(ffi, 'given0');
    const uapiFd = openListeningSocket(ffi, socketOf('given0'));
    const child = spawn(program, [...first, 'given0'], {
      env: { ...process.env, WG_TUN_FD: '3', WG_UAPI_FD: '4', WG_PROCESS_FOREGROUND: '1' },
      stdio: ['ignore', 'inherit', 'inherit', tunFd, uapiFd],
    });
    closeSync(tunFd);
    loadLibc(ffi).close(uapiFd);
    await waitFor('the socket answers', async () => (await uapiClient.interfaces()).includes('given0'));
    execFileSync('ip', ['link', 'set', 'given0', 'up']);
    assert.match(wg('show', 'given0'), /interface: given0/);
    await stop(child, 'SIGTERM');
    assert.equal(hasLink('given0'), false);
    assert.deepEqual(readdirSync(SOCKETS), []);
  });

  if (renumbersDescriptors)
    test('descriptors that were handed down are handed on to a daemon in the background, under other numbers', async () => {
      const tunFd = openTunDescriptor(ffi, 'given0');
      const uapiFd = openListeningSocket(ffi, socketOf('given0'));
      // The numbers that it has for itself in the daemon, and crosswise.
      const starting = spawn(program, [...first, 'given0'], {
        env: { ...process.env, WG_TUN_FD: '4', WG_UAPI_FD: '3' },
        stdio: ['ignore', 'inherit', 'inherit', uapiFd, tunFd],
      });
      closeSync(tunFd);
      loadLibc(ffi).close(uapiFd);
      assert.deepEqual(await once(starting, 'exit'), [0, null]);
      execFileSync('ip', ['link', 'set', 'given0', 'up']);
      assert.match(wg('show', 'given0'), /interface: given0\n  listening port: [1-9]/);
      rmSync(socketOf('given0'));
      await waitFor('the daemon ends', () => !hasLink('given0'));
    });

  test('who asks for threads that there cannot be is told so, in the foreground and in the background', async () => {
    const warning = /^peerage-tun: one thread instead of 3: with the crypto provider "noble"/m;
    const { child, log } = await start('wg0', { PEERAGE_THREADS: '3' }, ['--crypto', 'noble']);
    await waitFor('it says so', () => warning.test(log()), { explain: log });
    await stop(child, 'SIGTERM');
    for (const [options, expected] of [
      [['--threads', '3', '--crypto', 'noble'], warning],
      [['--threads', '0', '--crypto', 'noble'], /^$/],
      [['--crypto', 'noble'], /^$/],
    ] as const) {
      const { stderr } = await promisify(execFile)(program, [...first, ...options, 'wg0']);
      assert.match(stderr, expected, options.join(' '));
      rmSync(socketOf('wg0'));
      await waitFor('the daemon ends', () => !hasLink('wg0'));
    }
  });

  test('a relative name of the key log means the folder that the daemon was started in', async () => {
    await promisify(execFile)(program, [...first, '--debug', 'wg0'], {
      cwd: folder,
      env: { ...process.env, PEERAGE_KEYLOG: 'relative.keys' },
    });
    assert.equal(existsSync(join(folder, 'relative.keys')), true);
    rmSync(socketOf('wg0'));
    await waitFor('the daemon ends', () => !hasLink('wg0'));
  });

  test('a file of any other name among the sockets does no harm', async () => {
    const { child } = await start('wg0');
    for (const name of ['a b', 'sixteen-letters!', '']) writeFileSync(socketOf(name), '');
    assert.deepEqual(await uapiClient.interfaces(), ['wg0']);
    for (const name of ['a b', 'sixteen-letters!', '']) rmSync(socketOf(name));
    await stop(child, 'SIGTERM');
  });

  test('a name that no interface can have, and wrong usage, are refused', async () => {
    for (const [args, status, message] of [
      [['-f', 'a/../b'], 2, /cannot be the name of an interface/],
      [['-f', 'sixteen-letters!'], 2, /cannot be the name of an interface/],
      [['-f', 'wg%d'], 2, /cannot be the name of an interface/],
      [[], 2, /usage: peerage-tun/],
      [['--no-such', 'wg0'], 2, /usage: peerage-tun/],
      [['--crypto', 'rot13', '-f', 'wg0'], 2, /crypto provider "rot13"/],
      [['--crypto', 'rot13', 'wg0'], 2, /crypto provider "rot13"/],
      [['--threads', '33', 'wg0'], 2, /the number of threads expected a number up to 32, got "33"/],
      [['--threads', 'two', '-f', 'wg0'], 2, /the number of threads expected a number up to 32, got "two"/],
      [['--help'], 0, /^$/],
    ] as const) {
      const run = spawnSync(program, [...first, ...args], { encoding: 'utf8' });
      assert.equal(run.status, status, args.join(' '));
      assert.match(run.stderr, message);
    }
    await assert.rejects(uapiClient.exchange('nothing', GET_REQUEST), UserError);
    assert.ok(!readFileSync('/proc/net/dev', 'utf8').includes('wg0'));
  });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(child, 'exit');
  process.kill(child.pid!, signal); // after child.kill() Deno takes the signal for what ended the process
  const [code] = (await exit) as [number | null];
  return code;
}

// What a service manager does before it starts the daemon, in the numbers of <linux/if_tun.h> and <sys/socket.h>.

function openTunDescriptor(ffi: Ffi, name: string): number {
  const libc = ffi.load('libc.so.6', { ioctl: ['i', 'izp'] });
  const fd = openSync('/dev/net/tun', 'r+');
  const request = new Memory(ffi, 40);
  request.setText(0, name);
  request.view.setUint16(16, 0x1001, true);
  assert.equal(libc.ioctl(fd, ffi.size(0x400454ca), request.at(0)), 0);
  return fd;
}

function openListeningSocket(ffi: Ffi, path: string): number {
  const libc = ffi.load('libc.so.6', { socket: ['i', 'iii'], bind: ['i', 'ipi'], listen: ['i', 'ii'] });
  const fd = libc.socket(1, 1, 0);
  const address = new Memory(ffi, 110);
  address.view.setUint16(0, 1, true);
  address.setText(2, path);
  assert.equal(libc.bind(fd, address.at(0), 110), 0);
  assert.equal(libc.listen(fd, 8), 0);
  return fd;
}
