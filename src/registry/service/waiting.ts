/** Waiting for a ring, as often as it takes, but no longer than it may. */
import type { RegistryPorts, Waiting } from './ports.ts';

/**
 * Until something is rung that may concern the waiter, for `lookAgainMs`, or for all of `leftMs`. Gives the milliseconds that are left then: 0
 * when the time is up, the client gone, or everything ends.
 */
export async function awaitRing(
  networkId: number,
  waiter: Waiting,
  { leftMs, lookAgainMs, signal }: { leftMs: number; lookAgainMs: number; signal: AbortSignal },
  { bell, wall }: Pick<RegistryPorts, 'bell' | 'wall'>,
): Promise<number> {
  const longestMs = Math.max(0, Math.min(leftMs, lookAgainMs));
  const from = wall();
  const isRung = await bell.wait(networkId, waiter, longestMs, signal);
  if (signal.aborted || bell.isClosed === true) return 0;
  // A clock that is set meanwhile takes no more than that away, and adds nothing.
  const elapsedMs = isRung ? Math.min(Math.max(0, wall() - from), longestMs) : longestMs;
  return leftMs - elapsedMs;
}
