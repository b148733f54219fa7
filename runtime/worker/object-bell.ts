/**
 * The bell of a registry whose hosts listen at a Durable Object, one for each network: a change rings it once. A host that does
 * not listen asks at an interval, as without the object.
 */
import { waitUntil } from 'cloudflare:workers';
import type { Log } from '../../src/log.ts';
import type { Bell } from '../../src/registry/service/ports.ts';
import { LISTENER_HEADER, type NetworkBell } from './network-bell.ts';

export interface ObjectBellOptions {
  objects: DurableObjectNamespace<NetworkBell>;
  pollSeconds: number;
  log: Log;
}

export function createObjectBell({ objects, pollSeconds, log }: ObjectBellOptions): Bell {
  const objectOf = (networkId: number) => objects.getByName(`${networkId}`);
  return {
    pollSeconds,
    // The answer to who made the change does not wait for those who are told of it.
    ring: (networkId) =>
      waitUntil(
        objectOf(networkId)
          .ring()
          // Once more, to the object as it is then: it may have been moved, or the version of it replaced.
          .catch(() => objectOf(networkId).ring())
          // Nothing is lost: the next change tells both, and hosts connect anew from time to time.
          .catch((error: unknown) => log.error({ error: nameOf(error) }, 'a bell was not rung')),
      ),
    listen: (listener) =>
      objectOf(listener.networkId).fetch('https://bell.internal/', {
        // Nothing of the host's own request goes along.
        headers: { upgrade: 'websocket', [LISTENER_HEADER]: JSON.stringify(listener) },
      }),
    wait: () => Promise.resolve(false),
  };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
