/** The Worker of the tests: the one that is deployed, but for a clock that the suite moves. */
import { NetworkBell as DeployedBell } from '../../../runtime/worker/network-bell.ts';
import { createHandler, type Bindings } from '../../../runtime/worker/registry.ts';

/** A path that no registry has. */
const CLOCK = '/test-clock';

let now = Date.now();
const handler = createHandler(() => now);

export class NetworkBell extends DeployedBell {
  protected override wall(): number {
    return now;
  }
}

// A Worker's handlers are its default export.
export default {
  async fetch(request: Request, bindings: Bindings): Promise<Response> {
    if (new URL(request.url).pathname !== CLOCK) return handler.fetch(request, bindings);
    now = Number(await request.text());
    return new Response();
  },
};
