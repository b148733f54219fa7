/**
 * Waiting: always for a condition and with a deadline, never for an amount of time.
 */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 25;
/** What takes so long never comes, on however slow a machine. */
const DEFAULT_TIMEOUT_MS = 240_000;

export interface WaitOptions {
  timeoutMs?: number;
  /** Between one look and the next: longer for what takes minutes. */
  pollMs?: number;
  /** What is told besides "gave up" when the deadline passes. */
  explain?: () => string | Promise<string>;
}

/**
 * Resolves to the first value of `condition` that is neither undefined nor false. A condition that throws is asked
 * again like one that is not met; the last error becomes the cause when the deadline passes.
 */
export async function waitFor<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, undefined | false>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      // The two values that mean "not yet" are excluded here, which the compiler cannot follow through a generic.
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await delay(options.pollMs ?? POLL_MS);
  } while (performance.now() < deadline);
  const explanation = options.explain === undefined ? '' : `\n${await options.explain()}`;
  throw new Error(`gave up after ${timeoutMs} ms waiting until ${what}${explanation}`, { cause });
}
