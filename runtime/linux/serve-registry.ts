/** The registry as one process: a database file, a server, and everything between. */
import { randomBytes } from 'node:crypto';
import process from 'node:process';
import type { Context } from 'hono';
import { UserError } from '../../src/errors.ts';
import { silentLog, type Log } from '../../src/log.ts';
import type { Services } from '../../src/cli/ports.ts';
import { createRegistry } from '../../src/registry/app.ts';
import { parsePublicUrl } from '../../src/registry/client-address.ts';
import { createMemoryBell } from '../../src/registry/memory-bell.ts';
import { issueFirstAdminKey } from '../../src/registry/service/credentials.ts';
import type { RegistryPorts } from '../../src/registry/service/ports.ts';
import { createD1Store } from '../../src/registry/store/d1-store.ts';
import { migrate } from '../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../src/registry/store/migrations.ts';
import type { HttpBindings } from './http-server.ts';
import type { Runtime } from './runtime.ts';
import { createStderrLog } from './stderr-log.ts';

export interface RunningRegistry {
  readonly url: string;
  /** Only when this start made the first administrator. */
  readonly adminKey: string | undefined;
  /** Lets requests under way end, waiting ones at once, then closes the database. */
  close(): Promise<void>;
}

export interface StartOptions {
  databaseFile: string;
  hostname: string;
  port: number;
  publicUrl?: string | undefined;
  log?: Log;
  /** Stands in for the wall clock in tests. */
  wall?: () => number;
}

export async function startRegistry(runtime: Runtime, options: StartOptions): Promise<RunningRegistry> {
  const publicUrl = checkPublicUrl(options.publicUrl);
  const database = await runtime.openDatabase(options.databaseFile);
  try {
    await migrate(database, MIGRATIONS);
    const bell = createMemoryBell();
    const ports: RegistryPorts = {
      store: createD1Store(database),
      bell,
      random: (length) => new Uint8Array(randomBytes(length)),
      sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice())),
      wall: options.wall ?? Date.now,
    };
    const app = createRegistry({
      ports,
      log: options.log ?? silentLog,
      publicUrl,
      peerAddress: (c: Context) => (c.env as HttpBindings).peerAddress, // what the server passes
    });
    const server = await runtime.startHttpServer({
      ...options,
      fetch: (request, bindings) => app.fetch(request, bindings),
    });
    return {
      url: server.url,
      adminKey: await issueFirstAdminKey(ports),
      close: once(async () => {
        bell.close();
        await server.close();
        database.close();
      }),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Serves until SIGINT or SIGTERM. */
export async function serveRegistry(
  runtime: Runtime,
  options: Parameters<Services['serveRegistry']>[0],
): Promise<void> {
  const log = createStderrLog('registry', process.env['LOG_LEVEL']);
  const registry = await startRegistry(runtime, { ...options, log });
  const { url, adminKey } = registry;
  // Before anyone is told that it listens: whoever ends it then wants it to end well.
  const asked = new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  options.onListening({ url: checkPublicUrl(options.publicUrl) ?? url, ...(adminKey !== undefined && { adminKey }) });
  await asked;
  await registry.close();
}

/** Closing twice is closing once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

function checkPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = parsePublicUrl(text);
  if (url !== undefined) return url;
  throw new UserError(`${text} is no address of a registry`, {
    remedy: 'Write it as https://vpn.example.net',
    exitCode: 2,
  });
}
