/**
 * Requests that wait for a change do so outside of the app. A request that is under way in it keeps some twenty kilobytes of
 * promises, contexts and records alive, and ten thousand may wait. So a route that finds nothing new leaves word here what it
 * waits for and ends; when the bell rings, the same request goes through the app a second time, from its credential on.
 */
import type { RegistryPorts, Waiting } from './ports.ts';
import { awaitRing, type Turn as WaitTurn } from './waiting.ts';

export interface Hold {
  readonly networkId: number;
  readonly waiter: Waiting;
  /** Counts from the beginning of the wait. */
  readonly timeoutMs: number;
  /** When to look although nobody rings. */
  readonly lookAgainMs: number;
  /** Makes room for another request of the host. */
  release(): void;
}

/** `woken`: something has changed, perhaps nothing that this host may see. `over`: it gets an answer now. */
type Wait = 'begins' | 'woken' | 'over';

interface Turn {
  hold?: Hold;
  readonly wait: Wait;
}

/** The part of a Hono app that a server calls. */
interface App<Rest extends unknown[]> {
  fetch: (request: Request, ...rest: Rest) => Response | Promise<Response>;
}

const turns = new WeakMap<Request, Turn>();

/** How far the request is with its waiting. */
export function waitOf(request: Request): Wait {
  return turns.get(request)?.wait ?? 'begins';
}

/** Whether what the app answers in this turn is for nobody: the request is going to wait. */
export function isHeld(request: Request): boolean {
  return turns.get(request)?.hold !== undefined;
}

export function holdRequest(request: Request, hold: Hold): void {
  const turn = turns.get(request);
  if (turn === undefined) hold.release();
  else turn.hold = hold;
}

/** Lets the requests of the app wait. */
export function holdRequests<Rest extends unknown[]>(
  app: App<Rest>,
  ports: Pick<RegistryPorts, 'bell' | 'wall'>,
): void {
  const { fetch } = app;

  /** The answer, or what there is to wait for before there is one. */
  const pass = async (wait: Wait, ...args: [Request, ...Rest]): Promise<Response | Hold> => {
    const turn: Turn = { wait };
    turns.set(args[0], turn);
    const answer = await fetch(...args);
    return turn.hold ?? answer;
  };

  const wait = async (...args: [Request, ...Rest]): Promise<Response> => {
    const first = await pass('begins', ...args);
    if (first instanceof Response) return first;
    const { signal } = args[0];
    try {
      let turn: WaitTurn = { leftMs: first.timeoutMs };
      for (let held = first; ;) {
        const { networkId, waiter, lookAgainMs } = held;
        // oxlint-disable-next-line no-await-in-loop -- looking and waiting by turns
        turn = await awaitRing(networkId, waiter, { ...turn, lookAgainMs, signal }, ports);
        // oxlint-disable-next-line no-await-in-loop -- as above
        const passed = await pass(turn.leftMs > 0 ? 'woken' : 'over', ...args);
        if (passed instanceof Response) return passed;
        held = passed;
      }
    } finally {
      first.release();
    }
  };

  app.fetch = (...args) => (args[0].url.includes('wait=') ? wait(...args) : fetch(...args));
}
