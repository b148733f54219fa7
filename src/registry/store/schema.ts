/**
 * The registry's tables. Two things are not tables of their own: the version log behind `since` is `hosts.version` (with
 * the deleted hosts kept as tombstones), and a host's addresses and routes are lists in its row, so that a peer list of a
 * thousand hosts reads a thousand rows. `addresses` is the ledger that hands each address out once.
 *
 * Migrations only add: no cascades and no triggers, because drizzle-kit's table rebuild would lose child rows silently.
 */
import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

const textList = (name: string) => text(name, { mode: 'json' }).$type<string[]>().notNull();

export const networks = sqliteTable('networks', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  name: text('name').notNull().unique(),
  suffix: text('suffix').notNull(),
  /** CIDRs, one or more. */
  ranges: textList('ranges'),
  listenPort: integer('listen_port').notNull(),
  /** Moves with every change that a host of the network could see. */
  version: integer('version').notNull().default(1),
  createdAt: integer('created_at').notNull(),
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
    /** What the most recent handshake of another host saw; counts while the host says nothing of itself. */
    observedEndpoint: text('observed_endpoint'),
    /** Time of that handshake, Unix seconds. */
    observedAt: integer('observed_at'),
    /** The network's version when this row last changed. */
    version: integer('version').notNull(),
    createdAt: integer('created_at').notNull(),
    deletedAt: integer('deleted_at'),
  },
  (host) => [
    uniqueIndex('hosts_name')
      .on(host.networkId, host.name)
      .where(sql`deleted_at is null`),
    uniqueIndex('hosts_public_key')
      .on(host.networkId, host.publicKey)
      .where(sql`deleted_at is null`),
    index('hosts_version').on(host.networkId, host.version),
  ],
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
  },
  (credential) => [index('credentials_host').on(credential.hostId)],
);

export const audit = sqliteTable('audit', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  at: integer('at').notNull(),
  /** Names, not references: the record outlives what it speaks of. */
  network: text('network').notNull(),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  target: text('target').notNull(),
});
