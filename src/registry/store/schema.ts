/**
 * The registry's tables. Two things are not tables of their own: the version log behind `since` is `hosts.version` (with
 * the deleted hosts kept as tombstones), and a host's addresses and routes are lists in its row, so that a peer list of a
 * thousand hosts reads a thousand rows. `addresses` is the ledger that hands each address out once.
 *
 * Migrations only add: no cascades and no triggers, because drizzle-kit's table rebuild would lose child rows silently.
 */
import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { SightRule } from './port.ts';

const textList = (name: string) => text(name, { mode: 'json' }).$type<string[]>().notNull();
const flag = (name: string) => integer(name, { mode: 'boolean' }).notNull().default(false);
const DAY_SECONDS = 86_400;

export const networks = sqliteTable('networks', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  name: text('name').notNull().unique(),
  suffix: text('suffix').notNull(),
  /** CIDRs, one or more. */
  ranges: textList('ranges'),
  listenPort: integer('listen_port').notNull(),
  /**
   * Moves with every change that a host of the network could see: to the time of the change in milliseconds, or by one when that is not
   * more. So what lies between two versions that a host hears of says nothing of the changes that it may not see.
   */
  version: integer('version').notNull().default(1),
  createdAt: integer('created_at').notNull(),
  /** Moves when an administrator changes the network itself. */
  revision: integer('revision').notNull().default(1),
  /** Who sees whom, by tags; null: everybody sees everybody. */
  rules: text('rules', { mode: 'json' }).$type<SightRule[]>(),
  /** How long the address of a host that is gone rests; so long, too, the host can be brought back. */
  quarantineSeconds: integer('quarantine_seconds')
    .notNull()
    .default(7 * DAY_SECONDS),
  /** How long a host stays without renewing itself; null: for ever. */
  hostLifetimeSeconds: integer('host_lifetime_seconds'),
  /** How long after that it may still renew itself. */
  graceSeconds: integer('grace_seconds')
    .notNull()
    .default(7 * DAY_SECONDS),
  /** An ephemeral host that has said nothing for so long goes. */
  silenceSeconds: integer('silence_seconds').notNull().default(3600),
  /** When the next host of the network expires or goes, at the earliest. The request that comes then sees to it. */
  nextDueAt: integer('next_due_at'),
  /** The version of the last change that more than one host may see. */
  sharedVersion: integer('shared_version').notNull().default(1),
  /** Tombstones up to this version are gone: who knows nothing newer gets the list in full. */
  forgottenVersion: integer('forgotten_version').notNull().default(0),
});

export const hosts = sqliteTable(
  'hosts',
  {
    id: text('id').primaryKey(),
    networkId: integer('network_id')
      .notNull()
      .references(() => networks.id),
    name: text('name').notNull(),
    publicKey: text('public_key').notNull(),
    /** One of each of the network's ranges, in their order, without prefix lengths. */
    addresses: textList('addresses'),
    /** CIDRs behind the host. */
    routes: textList('routes'),
    listenPort: integer('listen_port').notNull(),
    /** What the host says of itself. */
    endpoint: text('endpoint'),
    /** What the most recent handshake of another host saw, in one of the families; counts while the host says nothing of itself. */
    observedEndpoint: text('observed_endpoint'),
    /** Time of that handshake, Unix seconds. */
    observedAt: integer('observed_at'),
    /** The network's version when this row last changed. */
    version: integer('version').notNull(),
    createdAt: integer('created_at').notNull(),
    deletedAt: integer('deleted_at'),
    tags: textList('tags').default([]),
    ephemeral: flag('ephemeral'),
    /** Of an ephemeral host: when it last asked for something, give or take a quarter of the silence it is allowed. */
    seenAt: integer('seen_at'),
    /** What it gets anew when it renews itself; null: for ever. */
    lifetimeSeconds: integer('lifetime_seconds'),
    /** Null: for ever. */
    expiresAt: integer('expires_at'),
    /** Since when the others do not see it any more, because it has expired. */
    lapsedAt: integer('lapsed_at'),
    /** Announced, and not used yet. */
    nextPublicKey: text('next_public_key'),
    /** In the row of a key that was rotated away: the host that has the new one. */
    successorId: text('successor_id'),
    /** The network's version when the set of hosts that this one may see changed by rules or tags. */
    viewVersion: integer('view_version').notNull().default(0),
    /** CIDRs that the host would like to have behind it, and no administrator has allowed. */
    requestedRoutes: textList('requested_routes').default([]),
    /** The host whose default route this one uses. */
    exitHostId: text('exit_host_id'),
    /** What was seen last of the other family than `observedEndpoint`. */
    otherEndpoint: text('other_endpoint'),
    /** Unix seconds. */
    otherObservedAt: integer('other_observed_at'),
  },
  (host) => [
    uniqueIndex('hosts_name')
      .on(host.networkId, host.name)
      .where(sql`deleted_at is null`),
    uniqueIndex('hosts_public_key')
      .on(host.networkId, host.publicKey)
      .where(sql`deleted_at is null`),
    uniqueIndex('hosts_next_public_key')
      .on(host.networkId, host.nextPublicKey)
      .where(sql`deleted_at is null`),
    index('hosts_version').on(host.networkId, host.version),
  ],
);

/** Of the hosts with these tags, removed ones included: the version of the last change. So what a host may see has a version of its own. */
export const tagVersions = sqliteTable(
  'tag_versions',
  {
    networkId: integer('network_id')
      .notNull()
      .references(() => networks.id),
    tags: textList('tags'),
    version: integer('version').notNull(),
  },
  (set) => [primaryKey({ columns: [set.networkId, set.tags] })],
);

export const addresses = sqliteTable(
  'addresses',
  {
    networkId: integer('network_id')
      .notNull()
      .references(() => networks.id),
    address: text('address').notNull(),
    hostId: text('host_id')
      .notNull()
      .references(() => hosts.id),
    /** When the host went; the address rests for a while before another host gets it. */
    releasedAt: integer('released_at'),
  },
  (address) => [primaryKey({ columns: [address.networkId, address.address] })],
);

export const tokens = sqliteTable(
  'tokens',
  {
    /** `pgt_` and eight characters: names the token, opens nothing. */
    id: text('id').primaryKey(),
    hash: text('hash').notNull(),
    networkId: integer('network_id')
      .notNull()
      .references(() => networks.id),
    remaining: integer('remaining').notNull(),
    /** The one host name that may enrol with it, or null for any. */
    hostName: text('host_name'),
    /** CIDRs that the enrolling host may declare, or parts of them. */
    routes: textList('routes'),
    createdAt: integer('created_at').notNull(),
    expiresAt: integer('expires_at').notNull(),
    revokedAt: integer('revoked_at'),
    /** Of the host names that may enrol with it, with `*` for any text; or null for any. */
    namePattern: text('name_pattern'),
    /** What the enrolling host gets. */
    tags: textList('tags').default([]),
    ephemeral: flag('ephemeral'),
    /** Instead of the network's. */
    hostLifetimeSeconds: integer('host_lifetime_seconds'),
  },
  (token) => [index('tokens_network').on(token.networkId), check('tokens_remaining', sql`${token.remaining} >= 0`)],
);

export const credentials = sqliteTable(
  'credentials',
  {
    /** `pga_` or `pgh_` and eight characters. */
    id: text('id').primaryKey(),
    hash: text('hash').notNull(),
    role: text('role', { enum: ['admin', 'host'] }).notNull(),
    hostId: text('host_id').references(() => hosts.id),
    createdAt: integer('created_at').notNull(),
    /** Of a host that is gone: it opens nothing, unless the host comes back. */
    revokedAt: integer('revoked_at'),
  },
  (credential) => [index('credentials_host').on(credential.hostId)],
);

export const audit = sqliteTable(
  'audit',
  {
    id: integer('id').primaryKey({ autoIncrement: true }),
    at: integer('at').notNull(),
    /** Names, not references: the record outlives what it speaks of. */
    network: text('network').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    target: text('target').notNull(),
    /** What was changed to what, without secrets. */
    detail: text('detail', { mode: 'json' }).$type<Record<string, unknown>>(),
    /** Names the request in the registry's log. */
    requestId: text('request_id'),
  },
  (entry) => [index('audit_network').on(entry.network, entry.id)],
);

/** Requests that were sent with an Idempotency-Key. */
export const requests = sqliteTable(
  'requests',
  {
    /** As the audit trail names it. */
    caller: text('caller').notNull(),
    /** SHA-256 of the Idempotency-Key. */
    keyHash: text('key_hash').notNull(),
    /** SHA-256 of method, path and body: the key is good for this request only. */
    requestHash: text('request_hash').notNull(),
    /** Null while the request is under way. */
    status: integer('status'),
    /** Sealed with what only the caller has, since it may hold a credential. */
    answer: text('answer'),
    createdAt: integer('created_at').notNull(),
  },
  (request) => [
    primaryKey({ columns: [request.caller, request.keyHash] }),
    index('requests_created').on(request.createdAt),
  ],
);
