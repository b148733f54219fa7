/**
 * `import ... from 'peerage/registry'`: the registry inside of a program of one's own, as a Hono app over any SQLite that has the
 * shape of `Database`. docs/guide/library.md shows how.
 */
import type { Context } from 'hono';
import { UserError } from '../errors.ts';
import { silentLog, type Log } from '../log.ts';
import { ringForOthers } from '../registry/another-process.ts';
import { createRegistry as createApp } from '../registry/app.ts';
import { parsePublicUrl } from '../registry/client-address.ts';
import type { RegistryApp } from '../registry/env.ts';
import { createMemoryBell } from '../registry/memory-bell.ts';
import type { ReadDocsFile } from '../registry/render/docs-page.ts';
import { issueFirstAdminKey } from '../registry/service/credentials.ts';
import type { RegistryPorts } from '../registry/service/ports.ts';
import { createD1Store } from '../registry/store/d1-store.ts';
import type { Database } from '../registry/store/database.ts';
import { migrate } from '../registry/store/migrate.ts';
import { rememberHosts } from '../registry/store/remembered-hosts.ts';
import { MIGRATIONS } from '../registry/store/migrations.ts';
import { randomBytes, sealer, sha256, systemClock } from './surroundings.ts';

export {
  fromSyncEngine,
  type Database,
  type QueryResult,
  type SqlValue,
  type Statement,
  type SyncEngine,
  type SyncStatement,
} from '../registry/store/database.ts';
export { migrate, type Migration } from '../registry/store/migrate.ts';
export { MIGRATIONS } from '../registry/store/migrations.ts';
export type { RegistryApp } from '../registry/env.ts';
export { DOCS_VERSION, type DocsFile, type ReadDocsFile } from '../registry/render/docs-page.ts';

export interface RegistryOptions {
  /** Empty, or brought here by a registry of this or an older version: missing migrations are applied. */
  database: Database;
  /** IP address at the other end of the connection, as text. Each kind of server has its own way to it. */
  peerAddress: (c: Context) => string;
  /**
   * Where hosts reach the registry, `https://vpn.example.net/vpn`, with the path that the app is mounted at. Without it the registry
   * is called what each client calls it, and has to be at the root.
   */
  publicUrl?: string | undefined;
  /** Reads files of the package swagger-ui-dist, for the pages of the API at /docs. Without it there are none. */
  docs?: ReadDocsFile;
  /** One line for each request, without path, headers and body. */
  log?: Log;
  /** Milliseconds since 1970. */
  wall?: () => number;
}

export interface Registry {
  /** To serve as it is, or to be mounted: `own.mount('/vpn', registry.app.fetch)`. */
  readonly app: RegistryApp;
  /**
   * The key of the first administrator; undefined when there is one already. It is stored nowhere and never told again, so call this
   * when you are sure to show it: once the server listens.
   */
  issueFirstAdminKey(): Promise<string | undefined>;
  /** After another process has written to the database: wakes the requests that wait for a change, if there is one. */
  lookAgain(): Promise<void>;
  /** Answers the requests that wait for a change. The database stays open: it is the caller's. */
  close(): void;
}

/** Rejects with UserError for a database of somebody else's, or a `publicUrl` that is none. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const { database, peerAddress, docs, log = silentLog, wall = () => systemClock.wall() } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : checkPublicUrl(options.publicUrl);
  await migrate(database, MIGRATIONS);
  const bell = createMemoryBell();
  const own = createD1Store(database);
  const store = database.isLocal === true ? rememberHosts(own) : own;
  const ports: RegistryPorts = { store, bell, random: randomBytes, sha256, sealer, wall };
  return {
    app: createApp({ ports, log, publicUrl, peerAddress, docs }),
    issueFirstAdminKey: () => issueFirstAdminKey(ports),
    lookAgain: () => ringForOthers(bell, { store: own, wall }),
    close: () => bell.close(),
  };
}

/** As the registry writes it. UserError for what is no address of a registry. */
export function checkPublicUrl(text: string): string {
  const url = parsePublicUrl(text);
  if (url !== undefined) return url;
  throw new UserError(`${text} is no address of a registry`, {
    remedy: 'Write it as https://vpn.example.net',
    exitCode: 2,
  });
}
