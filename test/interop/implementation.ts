/**
 * The WireGuard implementations that are put together in the tests. All are driven the same way: started with an
 * interface name in the foreground, configured by Debian's wg(8) through the UAPI socket.
 */
import { describe } from 'node:test';
import { labOptions } from './lab/requirements.ts';

export interface Implementation {
  readonly name: string;
  /** Program that takes `-f INTERFACE`. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** A command line that becomes the program, which follows with its arguments. */
  readonly wrapper?: readonly string[];
}

/** Ours. PEERAGE_TUN names another build of it. */
export const peerage: Implementation = {
  name: 'peerage-tun',
  program: process.env['PEERAGE_TUN'] ?? 'peerage-tun',
  env: {},
};

/** The Go implementation. WG_GO names a newer build than Debian's. */
export const wireguardGo: Implementation = {
  name: 'wireguard-go',
  program: process.env['WG_GO'] ?? 'wireguard-go',
  // It refuses to start where the kernel could do the work.
  env: { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' },
};

/** Ours in both roles against theirs, and ours against itself. The first is the initiator. */
export const PAIRINGS: readonly (readonly [initiator: Implementation, responder: Implementation])[] = [
  [peerage, wireguardGo],
  [wireguardGo, peerage],
  [peerage, peerage],
];

/** Where the scenario is about what the initiator does. */
export const OURS_FIRST: typeof PAIRINGS = PAIRINGS.filter(([initiator]) => initiator === peerage);

/** A suite of scenarios for every pairing; the pairings run at the same time. */
export function describePairings(
  what: string,
  define: (initiator: Implementation, responder: Implementation) => void,
  { pairings = PAIRINGS, programs = [] }: { pairings?: typeof PAIRINGS; programs?: readonly string[] } = {},
): void {
  const options = labOptions('wg', 'ping', 'ss', 'wireguard-go', ...programs);
  describe(what, { ...options, concurrency: pairings.length }, () => {
    for (const [initiator, responder] of pairings)
      describe(`${initiator.name} -> ${responder.name}`, { concurrency: 1 }, () => define(initiator, responder));
  });
}
