/**
 * What the services ask of a store. Each method that writes is one transaction. Times are milliseconds since 1970 unless
 * they say otherwise; addresses and prefixes are in the canonical text of ip.ts.
 */
import type { WallMs } from '../../clock.ts';

export interface NetworkRecord {
  readonly id: number;
  readonly name: string;
  readonly suffix: string;
  readonly ranges: readonly string[];
  readonly listenPort: number;
  readonly version: number;
  readonly createdAt: WallMs;
  readonly revision: number;
  /** Null: everybody sees everybody. */
  readonly rules: readonly SightRule[] | null;
  readonly quarantineSeconds: number;
  readonly hostLifetimeSeconds: number | null;
  readonly graceSeconds: number;
  readonly silenceSeconds: number;
  readonly nextDueAt: WallMs | null;
  readonly sharedVersion: number;
  readonly forgottenVersion: number;
}

/** By the digit that stands for each in `exitHostId`. */
export const EXIT_FAMILIES = [
  ['4', '0.0.0.0/0'],
  ['6', '::/0'],
] as const;

export interface ChosenExit {
  /** Undefined when it is gone. */
  readonly id: string | undefined;
  /** Of one that is gone, if it is known. */
  readonly name: string | undefined;
  /** The default routes that it offered once, and no longer. */
  readonly withdrawn: readonly string[];
}

/**
 * What `exitHostId` says; undefined when none is chosen:
 *
 *     ID              the exit that the host has chosen
 *     ID:6            the same, after the exit took back the default route of IPv6 (4: of IPv4) that it had offered
 *     gone46:berlin   an exit that is gone, by its name, with the default routes that it offered. Not its id: should it be restored, it is
 *                     not chosen again. Older versions wrote no name.
 */
export function readChosenExit(exitHostId: string | null): ChosenExit | undefined {
  if (exitHostId === null) return undefined;
  const [first = '', rest] = exitHostId.split(':');
  const gone = /^gone(4?6?)$/.exec(first)?.[1];
  if (gone !== undefined) return { id: undefined, name: rest, withdrawn: routesOf(gone) };
  return { id: first, name: undefined, withdrawn: routesOf(rest ?? '') };
}

function routesOf(families: string): string[] {
  return EXIT_FAMILIES.flatMap(([digit, route]) => (families.includes(digit) ? route : []));
}

/** Hosts with one of the tags `from` and hosts with one of the tags `to` see each other. `*` is every host. */
export interface SightRule {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

export interface HostRecord {
  readonly id: string;
  readonly networkId: number;
  readonly name: string;
  readonly publicKey: string;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly listenPort: number;
  readonly endpoint: string | null;
  readonly observedEndpoint: string | null;
  /** Unix seconds. */
  readonly observedAt: number | null;
  readonly version: number;
  readonly createdAt: WallMs;
  readonly deletedAt: WallMs | null;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
  /** Give or take a quarter of the silence that it is allowed. */
  readonly seenAt: WallMs | null;
  readonly lifetimeSeconds: number | null;
  readonly expiresAt: WallMs | null;
  readonly lapsedAt: WallMs | null;
  readonly nextPublicKey: string | null;
  readonly successorId: string | null;
  readonly viewVersion: number;
  readonly requestedRoutes: readonly string[];
  /** For `readChosenExit`. */
  readonly exitHostId: string | null;
  readonly otherEndpoint: string | null;
  /** Unix seconds. */
  readonly otherObservedAt: number | null;
}

export interface TagVersion {
  readonly tags: readonly string[];
  readonly version: number;
}

export interface TokenRecord {
  readonly id: string;
  readonly hash: string;
  readonly networkId: number;
  readonly remaining: number;
  readonly hostName: string | null;
  readonly routes: readonly string[];
  readonly createdAt: WallMs;
  readonly expiresAt: WallMs;
  readonly revokedAt: WallMs | null;
  readonly namePattern: string | null;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
  readonly hostLifetimeSeconds: number | null;
}

/** A credential without its secret: what is stored of it. */
export interface CredentialRecord {
  readonly id: string;
  readonly hash: string;
}

/** Who did it and when, for the audit trail: `admin:pga_1a2b3c4d`, `token:pgt_...`, `host:teddy`. */
export interface Act {
  readonly actor: string;
  readonly at: WallMs;
  /** Names the request in the log; left out for what no single request does. */
  readonly requestId?: string | undefined;
}

/** Something that must be unique is taken already. */
export interface Conflict {
  readonly conflict: 'name' | 'publicKey' | 'address';
}

export interface AuditRecord {
  /** Later entries have greater ones. */
  readonly id: number;
  readonly at: WallMs;
  /** Empty for what concerns no single network. */
  readonly network: string;
  readonly actor: string;
  /** `host.enrol`, `token.revoke`. */
  readonly action: string;
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly requestId: string | null;
}

/** What is left out is not asked about. */
export interface AuditFilter {
  readonly network?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  /** Only entries with a smaller id. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** An Idempotency-Key and what it was sent with. */
export interface RequestClaim {
  /** As the audit trail names it. */
  readonly caller: string;
  /** SHA-256 in hex. */
  readonly keyHash: string;
  readonly requestHash: string;
}

export interface EarlierRequest {
  readonly requestHash: string;
  /** Null while it is under way. */
  readonly status: number | null;
  /** Sealed; null when it was not kept. */
  readonly answer: string | null;
}

export interface StoreStatistics {
  /** By name. `tokens` are those that are good now. */
  readonly networks: readonly {
    readonly name: string;
    readonly version: number;
    readonly hosts: number;
    readonly tokens: number;
  }[];
  /** Size of the database; null where nobody says. */
  readonly bytes: number | null;
}

export interface NewHost {
  readonly id: string;
  readonly name: string;
  readonly publicKey: string;
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly requestedRoutes: readonly string[];
  readonly exitHostId: string | null;
  readonly listenPort: number;
  readonly endpoint: string | null;
  readonly tags: readonly string[];
  readonly ephemeral: boolean;
  readonly lifetimeSeconds: number | null;
  readonly expiresAt: WallMs | null;
}

export interface HostAddition {
  readonly networkId: number;
  readonly host: NewHost;
  readonly credential: CredentialRecord;
  /** The token that pays for it with one use; undefined when an administrator adds the host. */
  readonly tokenId?: string;
  /** Refuses when the network has moved on since this version: what was checked may no longer hold. */
  readonly ifVersion?: number;
  /** Addresses released before this may be handed out again. */
  readonly releasedBefore: WallMs;
}

export interface HostChanges {
  readonly endpoint?: string | null;
  readonly listenPort?: number;
  readonly routes?: readonly string[];
  readonly requestedRoutes?: readonly string[];
  readonly exitHostId?: string | null;
  readonly tags?: readonly string[];
}

export type NetworkChanges = Partial<
  Pick<
    NetworkRecord,
    'listenPort' | 'rules' | 'quarantineSeconds' | 'hostLifetimeSeconds' | 'graceSeconds' | 'silenceSeconds'
  >
>;

export interface Observation {
  readonly hostId: string;
  /** An address and a port; those of IPv6 in brackets. */
  readonly endpoint: string;
  /** Unix seconds of the handshake. */
  readonly handshakeAt: number;
}

export interface Page {
  /** Where the page before ended. */
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface Store {
  /** Adds an administrator if there is none; false when there is one. */
  addFirstAdmin(credential: CredentialRecord, act: Act): Promise<boolean>;
  findAdmin(id: string): Promise<CredentialRecord | undefined>;
  findHostByCredential(
    id: string,
  ): Promise<{ credential: CredentialRecord; host: HostRecord; network: NetworkRecord } | undefined>;

  /** Undefined when the network with the highest id is another than `ifNewestId`: there are networks that the caller has not seen. */
  addNetwork(
    network: Omit<NetworkRecord, 'id' | 'version' | 'revision' | 'nextDueAt' | 'sharedVersion' | 'forgottenVersion'>,
    act: Act & { ifNewestId: number },
  ): Promise<NetworkRecord | Conflict | undefined>;
  /** By name; without a page all of them. */
  listNetworks(page?: Page): Promise<NetworkRecord[]>;
  findNetwork(name: string): Promise<NetworkRecord | undefined>;
  networkById(id: number): Promise<NetworkRecord | undefined>;
  /** Of all hosts, removed ones included. */
  listTagSets(networkId: number): Promise<{ tags: readonly string[]; hosts: number }[]>;
  /**
   * `newViewsOf`: the tags of the hosts that see others by it; the version moves if there are any. Undefined when the network
   * is no longer as it was given, in version or revision.
   */
  changeNetwork(
    network: NetworkRecord,
    changes: NetworkChanges,
    act: Act & { newViewsOf: readonly (readonly string[])[]; detail: Readonly<Record<string, unknown>> },
  ): Promise<NetworkRecord | undefined>;
  /** With its tokens, tombstones and ledger; false when hosts are still in it, or `ifRevision` does not hold. */
  removeNetwork(network: NetworkRecord, act: Act & { ifRevision?: number | undefined }): Promise<boolean>;

  /** False when the network is gone. */
  addToken(token: TokenRecord, act: Act & { detail: Readonly<Record<string, unknown>> }): Promise<boolean>;
  /** Used up, expired and revoked ones too. */
  findToken(id: string): Promise<{ token: TokenRecord; network: NetworkRecord } | undefined>;
  /** Newest first, from the one that comes after the token `after`. */
  listTokens(networkId: number, page: Page): Promise<TokenRecord[]>;
  /** False when the network has no such token. */
  revokeToken(networkId: number, id: string, act: Act): Promise<boolean>;

  /** Undefined when the token is not good (any more), the network is gone, or `ifVersion` does not hold. */
  addHost(addition: HostAddition, act: Act): Promise<HostRecord | Conflict | undefined>;
  /** Addresses in use, and those released after `releasedBefore`. */
  takenAddresses(networkId: number, releasedBefore: WallMs): Promise<string[]>;
  /** By name; without a page all of them, as they are to others: what moves no version (such as `seenAt`) may be of before. */
  listHosts(networkId: number, page?: Page): Promise<readonly HostRecord[]>;
  findHost(networkId: number, name: string): Promise<HostRecord | undefined>;
  /** Everything that changed after `version`, deleted hosts included. */
  hostsChangedSince(networkId: number, version: number): Promise<readonly HostRecord[]>;
  /** Those of these ids that are there, by their ids. */
  hostsById(ids: readonly string[]): Promise<ReadonlyMap<string, HostRecord>>;
  /**
   * Undefined when the host is gone or `ifVersion` does not hold. `newViewsOf`: ids of hosts that see others by it. `isOwn`: the
   * others see nothing of it, only the host's own view changes. `detail` is for the audit trail.
   */
  changeHost(
    host: HostRecord,
    changes: HostChanges,
    act: Act & {
      ifVersion: number;
      newViewsOf: readonly string[];
      isOwn?: boolean;
      detail: Readonly<Record<string, unknown>>;
    },
  ): Promise<HostRecord | undefined>;
  /**
   * Its credential opens nothing any more, its addresses rest, and as an exit it is gone. False when it was gone already, or has
   * changed since `ifVersion`.
   */
  removeHost(host: HostRecord, act: Act & { ifVersion?: number | undefined }): Promise<boolean>;

  /** The one that was removed last, of those with this name. */
  findRemovedHost(networkId: number, name: string): Promise<HostRecord | undefined>;
  /** With its credential and addresses; undefined when it is back, one of them is gone, or the network has moved on. */
  restoreHost(
    host: HostRecord,
    expiresAt: WallMs | null,
    act: Act & { ifVersion: number },
  ): Promise<HostRecord | Conflict | undefined>;

  /** Undefined when the host is gone. `null` takes the announcement back. */
  announceKey(host: HostRecord, publicKey: string | null, act: Act): Promise<HostRecord | Conflict | undefined>;
  /** The announced key becomes its key, and the others are told that the old one is gone. Undefined when none is announced. */
  useAnnouncedKey(host: HostRecord, act: Act): Promise<HostRecord | Conflict | undefined>;

  /** Of ephemeral hosts of one network; no version moves. */
  noteSeen(networkId: number, hostIds: readonly string[], at: WallMs): Promise<void>;
  /** Undefined when the host is gone, or has changed since `ifVersion`. The others see it again if it had expired. By itself it leaves a line in the audit trail only then. */
  renewHost(
    host: HostRecord,
    expiresAt: WallMs | null,
    act: Act & { isByAdmin?: true; ifVersion?: number | undefined },
  ): Promise<HostRecord | undefined>;
  /** Hides the hosts that have expired, removes those whose time is over, and forgets what was kept long enough; the version of the network after it. */
  collectDue(networkId: number, act: Act): Promise<number | undefined>;

  /** Whether a write was refused with this because there is no room left. */
  isFull(error: unknown): boolean;

  /** Those of these hosts that say nothing of their own endpoint. */
  hostsWithoutEndpoint(networkId: number, publicKeys: readonly string[]): Promise<HostRecord[]>;
  /** As the host itself reports it. No other host sees it, so no version moves. */
  setListenPort(host: HostRecord, listenPort: number): Promise<void>;
  /** At most one of each host. Each counts only if it is fresher than what is known in its family. The version moves once. */
  observeEndpoints(networkId: number, observations: readonly Observation[], at: WallMs): Promise<void>;

  /** Of the hosts with equal tags, removed ones included: the version of the last change. */
  tagVersions(networkId: number): Promise<readonly TagVersion[]>;
  /** Those of them that no host has any more, not even a removed one that is still told about. */
  unusedTagSets(networkId: number): Promise<readonly TagVersion[]>;
  /**
   * Forgets them, unless they are in use again or the network has changed since that version. What hosts with tags of `seenBy` have seen
   * of them becomes a version of their own, so that their view does not go back.
   */
  forgetTagSets(
    networkId: number,
    sets: readonly (TagVersion & { readonly seenBy: readonly (readonly string[])[] })[],
    ifVersion: number,
  ): Promise<void>;
  /** The version of a network now, or undefined when it is gone. No difference after a version below `forgottenVersion` is whole. */
  networkVersion(networkId: number): Promise<Pick<NetworkRecord, 'version' | 'forgottenVersion'> | undefined>;

  /** What the caller sent with this key within the last day; undefined when there was nothing: then the key is taken now. */
  claimRequest(claim: RequestClaim, at: WallMs): Promise<EarlierRequest | undefined>;
  completeRequest(claim: RequestClaim, status: number, answer: string | null): Promise<void>;
  /** As if it had never come. */
  forgetRequest(claim: RequestClaim): Promise<void>;

  /** Newest first. */
  listAudit(filter: AuditFilter): Promise<AuditRecord[]>;

  statistics(now: WallMs): Promise<StoreStatistics>;
}
