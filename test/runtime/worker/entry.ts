/** The Worker of the tests: the one that is deployed, but for a clock that the suite moves. */
import { NetworkBell as DeployedBell } from '../../../runtime/worker/network-bell.ts';
import { createHandler, type Bindings } from '../../../runtime/worker/registry.ts';

/** Paths that no registry has. */
const CLOCK = '/test-clock';

const SOCKET_CLOCK = '/test-socket-clock';

/** The next ring fails, as it does when Cloudflare moves an object. */
const LOST_RING = '/test-lost-ring';

let now = Date.now();
/** Milliseconds by which the clock of sockets goes wrong. */
let socketOffset = 0;
let isRingLost = false;
const handler = createHandler(() => now);

export class NetworkBell extends DeployedBell {
  override async ring(): Promise<void> {
    if (!isRingLost) return super.ring();
    isRingLost = false;
    throw new Error('the object was moved');
  }

  protected override wall(): number {
    return now;
  }

  protected override socketClock(): number {
    return Date.now() + socketOffset;
  }
}

// A Worker's handlers are its default export.
export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === CLOCK) now = Number(await request.text());
    else if (pathname === SOCKET_CLOCK) socketOffset = Number(await request.text());
    else if (pathname === LOST_RING) isRingLost = true;
    else return handler.fetch(request, bindings);
    return new Response();
  },
};
