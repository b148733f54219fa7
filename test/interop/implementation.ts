/**
 * The WireGuard implementations that are put together in the tests. All are driven the same way: started with an
 * interface name in the foreground, configured by Debian's wg(8) through the UAPI socket.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, resolve } from 'node:path';
import { FLAGS } from '../../runtime/deno/flags.ts';
import type { Host } from './lab/host.ts';
import { SYSTEM_PATH } from './lab/requirements.ts';

export interface Implementation {
  readonly name: string;
  /** Program that takes `-f INTERFACE`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** A command line that becomes the program, which follows with its arguments. */
  readonly wrapper?: readonly string[];
  /** What builds it from source: in CI it has to be there, unless it is optional. */
  readonly builtBy?: string;
  readonly isOptional?: boolean;
  /** Arguments without which it keeps to its first address. */
  readonly roamingArgs?: readonly string[];
  /** It ends when a peer is changed: to be removed and made again, which costs its keys. */
  readonly cannotChangePeers?: boolean;
  /** Instead of when the last handshake was, `wg show` says how long ago; and payload in place of all bytes. */
  readonly countsDifferently?: boolean;
}

/** One of ours, with all of its programs. */
export interface Ours extends Implementation {
  /** Command lines: `peerage`, which is wg(8) and wg-quick(8), too, and `peerage-tun`. */
  readonly commands: Readonly<Record<'peerage' | 'peerage-tun', readonly string[]>>;
}

const ROOT = resolve(import.meta.dirname, '../..');
const OTHERS_BUILT_BY = 'bash .ci/implementations';

/** Ours, on the Node that runs the test. PEERAGE_TUN names another build of it. */
export const peerage: Ours = {
  name: 'node',
  program: process.env['PEERAGE_TUN'] ?? 'peerage-tun',
  env: {},
  commands: programsOf('node', process.execPath),
};

/** The same with one thread for everything, as it is without libcrypto. */
export const oneThread: Implementation = { ...peerage, name: 'node-one-thread', env: { PEERAGE_THREADS: '0' } };

/** One of ours with so many threads for packets, however few cores there are. */
export function withThreads(ours: Ours, threads: number): Implementation {
  return { ...ours, name: `${ours.name}-${threads}-threads`, env: { ...ours.env, PEERAGE_THREADS: String(threads) } };
}

const BUN = resolve(ROOT, 'node_modules/.bin/bun');
export const bun: Ours = {
  name: 'bun',
  wrapper: [BUN],
  program: resolve(ROOT, 'runtime/bun/peerage-tun.ts'),
  env: {},
  commands: programsOf('bun', BUN),
};

const DENO = [resolve(ROOT, 'node_modules/.bin/deno'), 'run'];
export const deno: Ours = {
  name: 'deno',
  wrapper: [...DENO, ...FLAGS.tunnel],
  program: resolve(ROOT, 'runtime/deno/peerage-tun.ts'),
  env: {},
  commands: programsOf('deno', ...DENO, ...FLAGS.peerage),
};

/** Ours as one file, which becomes the program that its first argument names. */
const BINARY = resolve(ROOT, 'dist/peerage');
export const binary: Ours = {
  name: 'binary',
  wrapper: [BINARY],
  program: 'peerage-tun',
  env: {},
  commands: { peerage: [BINARY], 'peerage-tun': [BINARY, 'peerage-tun'] },
  builtBy: 'npm run build',
};

/** The Go implementation. WG_GO names another build than Debian's. */
export const wireguardGo: Implementation = {
  name: 'wireguard-go',
  program: process.env['WG_GO'] ?? 'wireguard-go',
  // It refuses to start where the kernel could do the work.
  env: { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' },
};

export const newestWireguardGo: Implementation = {
  ...wireguardGo,
  name: 'wireguard-go-0.0.20250522',
  program: resolve(ROOT, '.cache/go/wireguard'),
  builtBy: OTHERS_BUILT_BY,
};

export const boringtun: Implementation = {
  name: 'boringtun',
  program: resolve(ROOT, '.cache/cargo/bin/boringtun-cli'),
  builtBy: OTHERS_BUILT_BY,
  isOptional: !canFind('cargo'),
  env: { WG_SUDO: 'true' }, // --disable-drop-privileges
  roamingArgs: ['--disable-connected-udp'],
  cannotChangePeers: true,
  countsDifferently: true,
};

/** Ours in every form, each of which has to work with each other and with theirs. */
export const OURS: readonly Ours[] = [peerage, bun, deno, binary];
export const THEIRS: readonly Implementation[] = [wireguardGo, newestWireguardGo, boringtun];

/** Makes `peerage` and `peerage-tun` on a host those of one of ours. */
export async function installPrograms(host: Host, { commands }: Ours): Promise<void> {
  for (const [name, command] of Object.entries(commands)) {
    const words = command.map((word) => `'${word}'`).join(' ');
    await host.output('tee', [`/run/bin/${name}`], { input: `#!/bin/sh\nexec ${words} "$@"\n` });
  }
}

/** Why tests with it are skipped, with what to do about it. What CI has to have is never skipped: tests fail without. */
export function whyMissing({ program, wrapper, builtBy, isOptional }: Implementation): string | undefined {
  const file = wrapper?.[0] ?? program;
  if (builtBy === undefined || existsSync(file)) return undefined;
  if (isOptional !== true && process.env['CI'] === 'true') return undefined;
  return `${file} is not there. Try: ${builtBy}`;
}

function programsOf(runtime: string, ...command: readonly string[]): Ours['commands'] {
  return {
    peerage: [...command, resolve(ROOT, `runtime/${runtime}/main.ts`)],
    'peerage-tun': [...command, resolve(ROOT, `runtime/${runtime}/peerage-tun.ts`)],
  };
}

/** In the folders in which .ci/implementations looks. */
function canFind(name: string): boolean {
  const folders = `${process.env['PATH']}:${homedir()}/.cargo/bin:${SYSTEM_PATH}`.split(delimiter);
  return folders.some((folder) => existsSync(resolve(folder, name)));
}
