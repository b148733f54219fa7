/**
 * Requests that wait for a change do so outside of the app. A request that is under way in it keeps some twenty kilobytes of
 * promises, contexts and records alive, and ten thousand may wait. So a route that finds nothing new leaves word here what it
 * waits for and ends; when the bell rings, the same request goes through the app a second time, from its credential on.
 */
import type { Bell } from './ports.ts';

export interface Hold {
  readonly networkId: number;
  /** The version that the client has. */
  readonly seen: number;
  readonly timeoutMs: number;
  /** Makes room for another request of the host. */
  release(): void;
}

interface Turn {
  hold?: Hold;
  readonly hasWaited: boolean;
}

/** The part of a Hono app that a server calls. */
interface App<Rest extends unknown[]> {
  fetch: (request: Request, ...rest: Rest) => Response | Promise<Response>;
}

const turns = new WeakMap<Request, Turn>();

/** Whether the request has waited already, and gets an answer now. */
export function hasWaited(request: Request): boolean {
  return turns.get(request)?.hasWaited === true;
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
export function holdRequests<Rest extends unknown[]>(app: App<Rest>, bell: Bell): void {
  const { fetch } = app;

  /** The answer, or what there is to wait for before there is one. */
  const begin = async (...args: [Request, ...Rest]): Promise<Response | Hold> => {
    const turn: Turn = { hasWaited: false };
    turns.set(args[0], turn);
    const answer = await fetch(...args);
    return turn.hold ?? answer;
  };

  const wait = async (...args: [Request, ...Rest]): Promise<Response> => {
    const [request] = args;
    const begun = await begin(...args);
    if (begun instanceof Response) return begun;
    await bell.wait(begun.networkId, begun.seen, begun.timeoutMs, request.signal);
    begun.release();
    turns.set(request, { hasWaited: true });
    return fetch(...args);
  };

  app.fetch = (...args) => (args[0].url.includes('wait=') ? wait(...args) : fetch(...args));
}
