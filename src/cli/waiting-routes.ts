/** What a host has said lies behind it, and an administrator has not let in yet. */
import type { Ports } from './ports.ts';

interface Asking {
  readonly name: string;
  /** Left out by an older registry. */
  readonly requestedRoutes?: readonly string[] | undefined;
}

/** On stderr, with the next step; nothing when nothing waits. */
export function tellWaiting({ terminal }: Pick<Ports, 'terminal'>, { name, requestedRoutes = [] }: Asking): void {
  if (requestedRoutes.length === 0) return;
  terminal.stderr(
    `Waiting: ${requestedRoutes.join(', ')}\nThe administrator lets them in with: peerage route approve ${name}\n`,
  );
}
