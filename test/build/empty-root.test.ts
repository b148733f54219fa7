/** The single binary in a root filesystem that holds nothing but a C library, as in an image made from scratch. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { inNamespace } from '../conformance/in-namespace.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { builtBinary } from './binary.ts';

const binary = builtBinary();

/** All that ldd(1) lists for the binary: parts of the C library. */
const LIBC = librariesOf(binary);
const LIBCRYPTO = /\/\S+\/libcrypto\.so\.3$/m.exec(execFileSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }))?.[0];
const ADDRESS = '127.0.0.1:8080';
const SOCKET = '/var/run/wireguard/wg0.sock';

inNamespace(import.meta.url, ['chroot', 'find', 'ldd', 'wg'], () => {
  const root = '/run/root'; // of the namespace: it ends with it
  const inside = (...args: string[]) => spawnSync('chroot', [root, '/peerage', ...args], { encoding: 'utf8' });

  before(() => {
    mkdirSync(root);
    for (const library of LIBC) copy(library);
    for (const folder of ['proc', 'dev/net']) mkdirSync(join(root, folder), { recursive: true });
    for (const [from, to] of [
      [binary, 'peerage'],
      ['/dev/null', 'dev/null'],
      ['/dev/net/tun', 'dev/net/tun'],
    ] as const) {
      writeFileSync(join(root, to), '');
      execFileSync('mount', ['--bind', from, join(root, to)]);
    }
    execFileSync('mount', ['-t', 'proc', 'proc', join(root, 'proc')]);
  });

  function copy(library: string): void {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    copyFileSync(library, join(root, library));
  }

  /** Files below the root, but for what the kernel shows there. */
  const files = () =>
    execFileSync('find', [root, '-xdev', '!', '-type', 'd', '-printf', '%P\n'], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .sort();

  function provider(): string | undefined {
    const findings = inside('doctor', '--json').stdout;
    return /crypto provider .{1,2}(\w+)/.exec(findings)?.[1];
  }

  test('it needs the C library and its parts, and nothing else', () => {
    for (const library of LIBC) assert.match(library, /\/(?:ld-linux-[\w-]+|lib(?:c|m|dl|pthread))\.so\.\d$/);
    assert.match(inside('--version').stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('it makes keys', () => {
    const { stdout: key } = inside('genkey');
    const { stdout } = spawnSync('chroot', [root, '/peerage', 'pubkey'], { input: key, encoding: 'utf8' });
    assert.equal(stdout, execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }));
  });

  test('it takes libcrypto when that is there, and does without when it is not', () => {
    assert.equal(provider(), 'wasm');
    assert.ok(LIBCRYPTO, 'this machine has libcrypto');
    const libraries = [...librariesOf(LIBCRYPTO), LIBCRYPTO].filter((library) => !LIBC.includes(library));
    for (const library of libraries) copy(library);
    assert.equal(provider(), 'libcrypto');
    for (const library of libraries) rmSync(join(root, library));
    assert.equal(provider(), 'wasm');
  });

  test('a tunnel in there talks to one out here, and leaves nothing', async () => {
    const before = files();
    const started = inside('peerage-tun', 'wg0');
    assert.deepEqual([started.status, started.stdout, started.stderr], [0, '', '']);
    assert.deepEqual(
      files().filter((name) => !before.includes(name)),
      [SOCKET.slice(1)],
    );
    execFileSync(binary, ['peerage-tun', 'wg1']);
    // Out here wg(8) looks into its own folder.
    const wg = (...args: string[]) => execFileSync('wg', args, { encoding: 'utf8' }).trim();
    const [one, other] = [wg('genkey'), wg('genkey')];
    const publicKey = (key: string) => execFileSync('wg', ['pubkey'], { input: key, encoding: 'utf8' }).trim();
    const file = (name: string, ...[key, peer, port, peerPort]: [string, string, number, number]) => {
      const path = join(root, name);
      writeFileSync(
        path,
        `[Interface]\nPrivateKey = ${key}\nListenPort = ${port}\n[Peer]\nPublicKey = ${publicKey(peer)}\n` +
          `Endpoint = 127.0.0.1:${peerPort}\nPersistentKeepalive = 1\n`,
      );
      return path;
    };
    file('wg0.conf', one, other, 5001, 5002);
    assert.equal(inside('setconf', 'wg0', '/wg0.conf').status, 0);
    wg('setconf', 'wg1', file('wg1.conf', other, one, 5002, 5001));
    for (const name of ['wg0', 'wg1']) execFileSync('ip', ['link', 'set', name, 'up']);
    // The responder's is that of the first packet, so each of them has opened one.
    const handshakes = () => [
      inside('show', 'wg0', 'latest-handshakes').stdout,
      wg('show', 'wg1', 'latest-handshakes'),
    ];
    await waitFor('they have shaken hands', () => handshakes().every((shown) => /\t[1-9]\d+\s*$/.test(shown)));
    for (const name of ['wg0', 'wg1']) execFileSync('ip', ['link', 'delete', name]);
    for (const name of ['wg0.conf', 'wg1.conf']) rmSync(join(root, name));
    await waitFor('its socket is gone', () => !files().includes(SOCKET.slice(1)));
    assert.deepEqual(files(), before);
  });

  test('it serves a registry, and writes nothing but the database', async () => {
    const before = files();
    const args = ['registry', 'serve', '--db', '/data/registry.db', '--listen', ADDRESS];
    const registry = spawn('chroot', [root, '/peerage', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(registry, 'exit');
    await waitFor('it answers', async () => (await fetch(`http://${ADDRESS}/healthz`)).ok);
    registry.kill('SIGTERM');
    await ended;
    assert.deepEqual(
      files().filter((name) => !before.includes(name)),
      ['data/registry.db'],
    );
  });
});

function librariesOf(file: string): string[] {
  const lines = spawnSync('ldd', [file], { encoding: 'utf8' }).stdout;
  return [...lines.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
}
