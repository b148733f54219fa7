/** Waiting for a ring, as often as it takes, but no longer than it may. */
import type { RegistryPorts, Waiting } from './ports.ts';

/** Between two looks into the store. */
export interface Turn {
  /** Milliseconds; 0 when the time is up, the client gone, or everything ends. */
  readonly leftMs: number;
  /** What the waiter had looked at when it was rung. One that finds the same again was rung by mistake, and would be again. */
  readonly rungAt?: number | undefined;
}

/** Until something is rung that may concern the waiter, for `lookAgainMs`, or for all that is left. */
export async function awaitRing(
  networkId: number,
  waiter: Waiting,
  { leftMs, rungAt, lookAgainMs, signal }: Turn & { lookAgainMs: number; signal: AbortSignal },
  { bell, wall }: Pick<RegistryPorts, 'bell' | 'wall'>,
): Promise<Turn> {
  const longestMs = Math.max(0, Math.min(leftMs, lookAgainMs));
  const from = wall();
  // Only after such a ring: whoever looked again because of the time may have been overtaken by a change between that look and now.
  const seen = waiter.seen === rungAt ? undefined : waiter.seen;
  const isRung = await bell.wait(networkId, { ...waiter, seen }, longestMs, signal);
  if (signal.aborted || bell.isClosed === true) return { leftMs: 0 };
  // A clock that is set meanwhile takes no more than that away, and adds nothing.
  if (isRung) return { leftMs: leftMs - Math.min(Math.max(0, wall() - from), longestMs), rungAt: waiter.seen };
  return { leftMs: leftMs - longestMs };
}
