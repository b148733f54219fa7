/**
 * The WireGuard implementations that are put together in the tests. All are driven the same way: started with an
 * interface name in the foreground, configured by Debian's wg(8) through the UAPI socket.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe } from 'node:test';
import { FLAGS } from '../../runtime/deno/flags.ts';
import { labOptions } from './lab/requirements.ts';

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
}

/** The first is the initiator. */
export type Pairing = readonly [initiator: Implementation, responder: Implementation];

const ROOT = resolve(import.meta.dirname, '../..');
const OTHERS_BUILT_BY = 'bash .ci/implementations';

/** Ours, on the Node that runs the test. PEERAGE_TUN names another build of it. */
export const peerage: Implementation = {
  name: 'node',
  program: process.env['PEERAGE_TUN'] ?? 'peerage-tun',
  env: {},
};

/** The same with one thread for everything, as it is without libcrypto. */
const oneThread: Implementation = { ...peerage, name: 'node-one-thread', env: { PEERAGE_THREADS: '0' } };

const bun: Implementation = {
  name: 'bun',
  wrapper: [resolve(ROOT, 'node_modules/.bin/bun')],
  program: resolve(ROOT, 'runtime/bun/peerage-tun.ts'),
  env: {},
};

const deno: Implementation = {
  name: 'deno',
  wrapper: [resolve(ROOT, 'node_modules/.bin/deno'), 'run', ...FLAGS.tunnel],
  program: resolve(ROOT, 'runtime/deno/peerage-tun.ts'),
  env: {},
};

/** Ours as one file, which becomes the program that its first argument names. */
const binary: Implementation = {
  name: 'binary',
  wrapper: [resolve(ROOT, 'dist/peerage')],
  program: 'peerage-tun',
  env: {},
  builtBy: 'npm run build',
};

/** The Go implementation. WG_GO names another build than Debian's. */
export const wireguardGo: Implementation = {
  name: 'wireguard-go',
  program: process.env['WG_GO'] ?? 'wireguard-go',
  // It refuses to start where the kernel could do the work.
  env: { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' },
};

const newestWireguardGo: Implementation = {
  ...wireguardGo,
  name: 'wireguard-go-0.0.20250522',
  program: resolve(ROOT, '.cache/go/wireguard'),
  builtBy: OTHERS_BUILT_BY,
};

const boringtun: Implementation = {
  name: 'boringtun',
  program: resolve(ROOT, '.cache/cargo/bin/boringtun-cli'),
  builtBy: OTHERS_BUILT_BY,
  isOptional: true, // where cargo can
  env: { WG_SUDO: 'true' }, // --disable-drop-privileges
};

/** Ours in every form, each of which has to work with each other and with theirs. */
const OURS = [peerage, bun, deno, binary];
const THEIRS = [wireguardGo, newestWireguardGo, boringtun];

/** Ours in both roles against theirs, and ours against itself. */
export const PAIRINGS: readonly Pairing[] = [
  [peerage, wireguardGo],
  [wireguardGo, peerage],
  [peerage, peerage],
];

/** What there is of ours besides Node's usual way. */
const OTHERS_OF_OURS = [bun, deno, binary, oneThread];

/** Where the scenario is about what the initiator does: each of ours against theirs, and ours on Node against itself. */
export const OURS_FIRST: readonly Pairing[] = [
  ...PAIRINGS.filter(([initiator]) => initiator === peerage),
  ...OTHERS_OF_OURS.map((ours): Pairing => [ours, wireguardGo]),
];

/** Each of ours in both roles against theirs, and ours on Node against itself. */
const ON_EVERY_RUNTIME: readonly Pairing[] = [
  ...PAIRINGS,
  ...OTHERS_OF_OURS.flatMap((ours): Pairing[] => [
    [ours, wireguardGo],
    [wireguardGo, ours],
  ]),
];

/** Any two of which one is ours, in both roles. */
export const EVERY_PAIRING: readonly Pairing[] = [
  ...OURS.flatMap((one) => OURS.map((other): Pairing => [one, other])),
  ...OURS.flatMap((ours) =>
    THEIRS.flatMap((theirs): Pairing[] => [
      [ours, theirs],
      [theirs, ours],
    ]),
  ),
];

/** How many pairings run at the same time: more daemons would not finish sooner on a few cores. */
const CONCURRENCY = 3;

/** A suite of scenarios for every pairing. */
export function describePairings(
  what: string,
  define: (initiator: Implementation, responder: Implementation) => void,
  { pairings = PAIRINGS, programs = [] }: { pairings?: readonly Pairing[]; programs?: readonly string[] } = {},
): void {
  const options = labOptions('wg', 'ping', 'ss', 'wireguard-go', ...programs);
  describe(what, { ...options, concurrency: CONCURRENCY }, () => {
    for (const [initiator, responder] of pairings) {
      const pairing = { skip: whyMissing(initiator) ?? whyMissing(responder) ?? false, concurrency: 1 };
      describe(`${initiator.name} -> ${responder.name}`, pairing, () => define(initiator, responder));
    }
  });
}

/** What depends on the sockets and the interface, which each runtime has its own way to. */
export function describeOnEveryRuntime(
  what: string,
  define: (initiator: Implementation, responder: Implementation) => void,
  { programs = [] }: { programs?: readonly string[] } = {},
): void {
  describePairings(what, define, { pairings: ON_EVERY_RUNTIME, programs });
}

function whyMissing({ program, wrapper, builtBy, isOptional }: Implementation): string | undefined {
  const file = wrapper?.[0] ?? program;
  if (builtBy === undefined || existsSync(file)) return undefined;
  if (isOptional !== true && process.env['CI'] === 'true') return undefined;
  return `${file} is not there. Try: ${builtBy}`;
}
