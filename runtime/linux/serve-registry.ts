/** The registry as one process: a database file, a server, and everything between. */
import process from 'node:process';
import { setTimeout } from 'node:timers';
import type { Log } from '../../src/log.ts';
import type { Services } from '../../src/cli/ports.ts';
import { checkPublicUrl, createRegistry } from '../../src/library/registry.ts';
import { forgetWhatWasTold } from '../../src/registry/store/restored.ts';
import { watchDatabase } from './database-watch.ts';
import type { HttpBindings } from './http-server.ts';
import type { Runtime } from './runtime.ts';
import { createStderrLog } from './stderr-log.ts';
import { SHRINK_AFTER_MS, shrinkHeap } from './v8-heap.ts';

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

export async function startRegistry(
  runtime: Pick<Runtime, 'openDatabase' | 'startHttpServer'> & Partial<Pick<Runtime, 'readDocsFile'>>,
  options: StartOptions,
): Promise<RunningRegistry> {
  if (options.publicUrl !== undefined) checkPublicUrl(options.publicUrl); // before a file is made
  const database = await runtime.openDatabase(options.databaseFile);
  try {
    const registry = await createRegistry({
      ...options,
      database,
      ...(runtime.readDocsFile && { docs: runtime.readDocsFile }),
      peerAddress: (c) => (c.env as HttpBindings).peerAddress, // what the server passes
    });
    await forgetWhatWasTold(database, (options.wall ?? Date.now)());
    const server = await runtime.startHttpServer({
      ...options,
      fetch: (request, bindings) => registry.app.fetch(request, bindings),
    });
    const endWatch = await watchDatabase(database, () => registry.lookAgain());
    return {
      url: server.url,
      adminKey: await registry.issueFirstAdminKey(),
      close: once(async () => {
        registry.close();
        await server.close();
        endWatch();
        database.close();
      }),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Serves until SIGINT or SIGTERM; a second one ends the process at once. */
export async function serveRegistry(
  runtime: Runtime,
  options: Parameters<Services['serveRegistry']>[0],
): Promise<void> {
  const log = createStderrLog('registry', process.env['LOG_LEVEL']);
  const registry = await startRegistry(runtime, { ...options, log });
  const { url, adminKey } = registry;
  // Before anyone is told that it listens: whoever ends it then wants it to end well.
  const asked = untilAsked();
  const shown = options.publicUrl === undefined ? url : checkPublicUrl(options.publicUrl);
  options.onListening({ url: shown, ...(adminKey !== undefined && { adminKey }) });
  // To load all of it made the heap three times as large as what is left of that.
  setTimeout(shrinkHeap, SHRINK_AFTER_MS).unref();
  await asked;
  await registry.close();
}

/** Resolves at the first signal. Who sends a second one does not want to wait for requests that are under way. */
function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    let isAsked = false;
    const ask = (): void => {
      if (isAsked) process.exit(1);
      isAsked = true;
      resolve();
    };
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
  });
}

/** Closing twice is closing once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
