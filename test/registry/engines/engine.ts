/**
 * What a registry of the suite runs on: the database and the HTTP server of the runtime at hand, or workerd with D1. The suite is
 * the same; PEERAGE_ENGINE=workerd chooses the second.
 */
import process from 'node:process';
import type { Log } from '../../../src/log.ts';
import type { Database } from '../../../src/registry/store/database.ts';

export interface EngineOptions {
  /** A file that the engine may put its database into. */
  readonly databaseFile: string;
  readonly log: Log;
  readonly wall: () => number;
  /** At the edge: whether hosts can listen. Default: true. */
  readonly hasBell?: boolean;
  /** What is in the database before this version sees it, in SQL. */
  readonly statements?: readonly string[];
}

export interface RunningEngine {
  readonly url: string;
  readonly adminKey: string | undefined;
  /** Called before each request: an engine in another process learns the time so. */
  tellTime?(): Promise<void>;
  /** All that is in the database, as text in whatever form. */
  stored(): Promise<string>;
  close(): Promise<void>;
  readonly edge?: Edge;
}

/** What tests of the edge reach behind its back. */
export interface Edge {
  readonly database: Database;
  /** Puts the object of the network with this id out of memory, as Cloudflare does after ten idle seconds; its sockets stay. */
  hibernate(networkId: number): Promise<void>;
}

export type StartEngine = (options: EngineOptions) => Promise<RunningEngine>;

const name = process.env['PEERAGE_ENGINE'] ?? 'runtime';

/** What the edge does otherwise: no request waits there, and there is no file. */
export const isEdge = name === 'workerd';

const modules: Readonly<Record<string, () => Promise<{ startEngine: StartEngine }>>> = {
  runtime: () => import('./runtime.ts'),
  workerd: () => import('./workerd.ts'),
};

const load = modules[name];
if (load === undefined) throw new Error(`PEERAGE_ENGINE expected runtime or workerd, got "${name}"`);
export const { startEngine } = await load();
