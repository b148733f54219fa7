/**
 * The registry on Cloudflare Workers: isolates that come and go, with nothing in common but the D1 database that is bound to them,
 * which `wrangler d1 migrations apply` brings up to date before a version is deployed.
 *
 * No request waits here for a change: one that asks to is answered at once, and told when to come again. Hosts that want to know
 * sooner listen at a Durable Object, if one is bound. Limits on requests and failures count per isolate.
 */
import { waitUntil } from 'cloudflare:workers';
import { createRegistry } from '../../src/registry/app.ts';
import type { RegistryApp } from '../../src/registry/env.ts';
import { checkPublicUrl } from '../../src/library/registry.ts';
import { randomBytes, sealer, sha256 } from '../../src/library/surroundings.ts';
import { createPollingBell } from '../../src/registry/polling-bell.ts';
import { createD1Store } from '../../src/registry/store/d1-store.ts';
import type { Database } from '../../src/registry/store/database.ts';
import { consoleLog } from './console-log.ts';
import type { NetworkBell } from './network-bell.ts';
import { createObjectBell } from './object-bell.ts';

/** What wrangler.toml binds. */
export interface Bindings {
  readonly DB: D1Database;
  /** Where hosts listen. Without it they ask at an interval. */
  readonly BELL?: DurableObjectNamespace<NetworkBell>;
  /** `https://vpn.example.net`. Without it the registry is called what each client calls it. */
  readonly PUBLIC_URL?: string;
  /** How often hosts are told to ask, in seconds. */
  readonly POLL_SECONDS?: string;
  /** A secret, `wrangler secret put`: SHA-256 of an admin key, in hexadecimal. */
  readonly ADMIN_KEY_HASH?: string;
}

export interface Handler {
  fetch(request: Request, bindings: Bindings): Response | Promise<Response>;
}

const POLL_SECONDS = 60;

/** `wall`: milliseconds since 1970; a test has its own. */
export function createHandler(wall: () => number = Date.now): Handler {
  let app: RegistryApp | undefined;
  return {
    fetch(request, bindings) {
      // What is bound stays the same for the life of an isolate.
      app ??= createApp(bindings, wall);
      return app.fetch(request, bindings);
    },
  };
}

function createApp(bindings: Bindings, wall: () => number): RegistryApp {
  const { DB, BELL, PUBLIC_URL, POLL_SECONDS: poll, ADMIN_KEY_HASH } = bindings;
  const pollSeconds = readSeconds(poll);
  const database: Database = DB; // the shape that src/registry/store/database.ts is the part of
  return createRegistry({
    ports: {
      store: createD1Store(database),
      bell:
        BELL === undefined
          ? createPollingBell(pollSeconds)
          : createObjectBell({ objects: BELL, pollSeconds, log: consoleLog }),
      random: randomBytes,
      sha256,
      sealer,
      wall,
      outlive: waitUntil,
      adminKeyHash: readHash(ADMIN_KEY_HASH),
    },
    log: consoleLog,
    publicUrl: PUBLIC_URL === undefined || PUBLIC_URL === '' ? undefined : checkPublicUrl(PUBLIC_URL),
    // Set by Cloudflare itself, over whatever a client sends.
    peerAddress: (c) => c.req.header('cf-connecting-ip') ?? '',
    docs: 'elsewhere', // Cloudflare serves the files itself: runtime/node/build-edge-docs.ts
  });
}

/** Without one, and with something else, nobody is let in by it. */
function readHash(text = ''): string | undefined {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  if (text !== '')
    consoleLog.error({}, 'ADMIN_KEY_HASH is not what `peerage registry admin-key` prints: it lets nobody in.');
  return undefined;
}

function readSeconds(text: string | undefined): number {
  const seconds = Number(text);
  return Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400 ? seconds : POLL_SECONDS;
}
