/** Which implementations are put together in the scenarios: every pairing that has one of ours in it, but for what theirs cannot. */
import { describe, it } from 'node:test';
import { isExcluded } from './exclusions.ts';
import { oneThread, OURS, THEIRS, whyMissing, wireguardGo } from './implementation.ts';
import type { Implementation, Ours } from './implementation.ts';
import { labOptions } from './lab/requirements.ts';

/** The first is the initiator. */
export type Pairing = readonly [initiator: Implementation, responder: Implementation];

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

/** Besides, Node's with one thread, which has its own way to the sockets and the interface. */
const WITH_ONE_THREAD: readonly Pairing[] = [...EVERY_PAIRING, [oneThread, wireguardGo], [wireguardGo, oneThread]];

/** Where the scenario is about what the initiator does. */
export const OURS_FIRST: readonly Pairing[] = WITH_ONE_THREAD.filter(([initiator]) => isOurs(initiator));

/** Where the scenario is about one program, whoever is at the other end. */
export const EACH_OF_OURS: readonly Pairing[] = [...OURS, oneThread].map((ours) => [ours, wireguardGo]);

/** More daemons at the same time would not finish sooner on a few cores. */
const CONCURRENCY = 3;
/** But where they mostly wait, for a timer of the protocol or of a router. */
export const MOSTLY_WAITING = 8;

export interface ScenarioOptions {
  /** All there are, unless told. */
  pairings?: readonly Pairing[];
  /** What the scenarios take besides wg(8), ping(8) and ss(8). */
  programs?: readonly string[];
  /** How many pairings run at the same time. */
  concurrency?: number;
}

/** Defines a test, unless the pairing is excluded from it. */
export type It = (name: string, run: () => Promise<void>) => void;

/** A suite of scenarios for every pairing. */
export function describePairings(
  what: string,
  define: (initiator: Implementation, responder: Implementation, scenario: It) => void,
  { pairings = WITH_ONE_THREAD, programs = [], concurrency = CONCURRENCY }: ScenarioOptions = {},
): void {
  describe(what, { ...scenarioOptions(programs), concurrency }, () => {
    for (const [initiator, responder] of pairings) {
      // First, as a suite without tests would be counted as a test.
      const tests: Parameters<It>[] = [];
      define(initiator, responder, (...test) => {
        if (!isExcluded(`${what}: ${test[0]}`, initiator, responder)) tests.push(test);
      });
      if (tests.length === 0) continue;
      const options = { skip: whyMissing(initiator) ?? whyMissing(responder) ?? false, concurrency: 1 };
      describe(`${initiator.name} -> ${responder.name}`, options, () => {
        for (const [name, run] of tests) it(name, run);
      });
    }
  });
}

/** A suite about one program, for each of ours. `concurrency`: of its tests. */
export function describeOurs(
  what: string,
  define: (ours: Ours) => void,
  { programs = [], concurrency = 1 }: { programs?: readonly string[]; concurrency?: number } = {},
): void {
  describe(what, { ...scenarioOptions(programs), concurrency: CONCURRENCY }, () => {
    for (const ours of OURS)
      describe(`on ${ours.name}`, { skip: whyMissing(ours) ?? false, concurrency }, () => define(ours));
  });
}

export function isOurs(implementation: Implementation): boolean {
  return !THEIRS.includes(implementation);
}

/** Where scenarios can run. */
export function scenarioOptions(programs: readonly string[] = []): { skip: string | false } {
  return labOptions('wg', 'ping', 'ss', 'wireguard-go', ...programs);
}
