/** drizzle-orm/d1 over any `Database`, and the few pieces of SQL that several queries share. */
import { fillPlaceholders, sql, type Placeholder, type SQL } from 'drizzle-orm';
import type { BatchItem } from 'drizzle-orm/batch';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { Database } from './database.ts';
import type { Conflict } from './port.ts';
import { hosts, networks, tagVersions } from './schema.ts';

export type Orm = DrizzleD1Database;

export function openOrm(database: Database): Orm {
  return drizzle(database as never); // the driver's type needs Cloudflare's globals; it calls no more than `Database` has
}

/** A value, or the place for one in a query that is kept. */
type Given<T> = T | Placeholder;

/**
 * A query for batches that is put together once, with a placeholder for whatever differs from time to time: to put one
 * together takes longer than to run it. Gives the query with its values.
 */
export function keepQuery<T extends BatchItem<'sqlite'>>(query: T): (values: Record<string, unknown>) => T {
  // What `batch` calls of a query, and the public types leave out.
  const kept = (query as T & { _prepare(): { getQuery(): { sql: string; params: unknown[] } } })._prepare();
  const { sql: text, params } = kept.getQuery();
  return (values) => {
    const filled = { sql: text, params: fillPlaceholders(params, values) };
    const prepared: unknown = Object.create(kept, { getQuery: { value: () => filled } });
    return { _prepare: () => prepared } as unknown as T; // no more of it is called
  };
}

/** Within a batch, before `followVersion`: the version that this change will have. `at`: its time. */
export const nextVersion = (networkId: Given<number>, at: Given<number>) =>
  sql<number>`(SELECT ${versionAfter(at)} FROM ${networks} WHERE ${networks.id} = ${networkId})`;

/** In a query of `networks`: as schema.ts says of `version`. */
export function versionAfter(at: Given<number>): SQL<number> {
  // Some drivers bind every number as a real one.
  return sql`cast(max(${networks.version} + 1, ${at}) AS INTEGER)`;
}

/**
 * The last statements of a batch that changed hosts: the version of the network, and that of each set of tags among its hosts, follow those of
 * the hosts, and stay if nothing changed.
 */
export function followVersion(db: Orm, networkId: Given<number>) {
  const newest = sql`(SELECT max(${hosts.version}) FROM ${hosts} WHERE ${hosts.networkId} = ${networkId})`;
  return [
    followTags(db, networkId),
    db
      .update(networks)
      .set({ version: newest, sharedVersion: newest })
      .where(sql`${networks.id} = ${networkId} AND ${networks.version} < ${newest}`),
  ] as const;
}

function followTags(db: Orm, networkId: Given<number>) {
  const present = sql`(SELECT n.version FROM networks AS n WHERE n.id = ${networkId})`;
  return db
    .insert(tagVersions)
    .select(
      sql`SELECT h.network_id, h.tags, max(h.version) FROM hosts AS h WHERE h.network_id = ${networkId} AND h.version > ${present} GROUP BY h.tags`,
    )
    .onConflictDoUpdate({ target: [tagVersions.networkId, tagVersions.tags], set: { version: sql`excluded.version` } });
}

/** The same for a batch that changed one host, or no more than its own view. */
export function followHost(db: Orm, networkId: number, hostId: string) {
  const newest = sql`(SELECT max(h.version, h.view_version) FROM hosts AS h WHERE h.id = ${hostId})`;
  const shared = sql`(SELECT h.version FROM hosts AS h WHERE h.id = ${hostId})`;
  return [
    followTags(db, networkId),
    db
      .update(networks)
      .set({ version: newest, sharedVersion: sql`max(${networks.sharedVersion}, ${shared})` })
      .where(sql`${networks.id} = ${networkId} AND ${networks.version} < ${newest}`),
  ] as const;
}

/** Within a batch, before `followVersion`: whether nothing else has changed the network since that version. */
export function isAtVersion(networkId: number, version: number): SQL {
  return sql`(SELECT n.version FROM networks AS n WHERE n.id = ${networkId}) = ${version}`;
}

/** Something of the network may be due at that time, and not only when it was thought to be. */
export function dueBy(db: Orm, networkId: Given<number>, at: Given<number>) {
  return db
    .update(networks)
    .set({ nextDueAt: sql`min(coalesce(${networks.nextDueAt}, ${at}), ${at})` })
    .where(sql`${networks.id} = ${networkId}`);
}

/**
 * The columns of an audit row whose facts come from the tables, for `insert().select()`: nothing selected, nothing written.
 * `detail`: what was changed to what, as JSON, without secrets.
 */
export function auditColumns(
  act: { readonly actor: Given<string>; readonly at: Given<number>; readonly requestId?: Given<string> | undefined },
  action: Given<string>,
  target: SQL<string>,
  detail: Given<string> | null = null,
) {
  return {
    id: sql<number>`NULL`.as('id'),
    at: sql<number>`${act.at}`.as('at'),
    network: networks.name,
    actor: sql<string>`${act.actor}`.as('actor'),
    action: sql<string>`${action}`.as('action'),
    target: target.as('target'),
    detail: sql<Record<string, unknown> | null>`${detail}`.as('detail'),
    requestId: sql<string | null>`${act.requestId ?? null}`.as('request_id'),
  };
}

const CONFLICTS: readonly (readonly [pattern: RegExp, conflict: Conflict['conflict']])[] = [
  [/UNIQUE constraint failed: (hosts\.network_id, hosts|networks)\.name/, 'name'],
  [/UNIQUE constraint failed: hosts\.network_id, hosts\.(next_)?public_key/, 'publicKey'],
  [/UNIQUE constraint failed: addresses\./, 'address'],
];

/** Turns the violation of a unique index into a value; every other error stays one. */
export async function orConflict<T>(work: Promise<T>): Promise<T | Conflict> {
  try {
    return await work;
  } catch (error) {
    for (const message of messages(error))
      for (const [pattern, conflict] of CONFLICTS) if (pattern.test(message)) return { conflict };
    throw error;
  }
}

/** Whether what a row refers to is gone. */
export function refersToNothing(error: unknown): boolean {
  return [...messages(error)].some((message) => message.includes('FOREIGN KEY constraint failed'));
}

function* messages(error: unknown): Generator<string> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause.message;
}
