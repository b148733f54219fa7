/**
 * The hosts of a network, kept in memory from one request to the next: for a store whose version costs nothing to ask for,
 * because the database is a file on this machine. Every answer begins with that question, so another process may write to the
 * same file.
 *
 * A change brings in the rows that changed, and no others; all records that stay are the same objects as before, so that what
 * is made of each (render/) need not be made again. Where that would not be all (tombstones are gone, a backup came back), all are read.
 */
import type { HostRecord, Store } from './port.ts';

/** Of all networks together; beyond it the network that changed longest ago is forgotten. About 2 KB for each. */
const HOSTS_LIMIT = 50_000;
/** Of one version of a network: hosts that wait have all seen one of the last few. */
const DIFFERENCES_LIMIT = 100;
interface Roster {
  readonly version: number;
  /** Those that are there, by name. */
  readonly hosts: readonly HostRecord[];
  /** What changed, by the version after which. */
  readonly differences: Map<number, readonly HostRecord[]>;
}

export function rememberHosts(store: Store, { limit = HOSTS_LIMIT }: { limit?: number } = {}): Store {
  const rosters = new Map<number, Roster>();

  const remember = (networkId: number, roster: Roster): Roster => {
    // A request that began earlier must not bring back what it has read.
    const known = rosters.get(networkId);
    if (known !== undefined && known.version > roster.version) return known;
    rosters.delete(networkId);
    if (roster.hosts.length > limit) return roster;
    rosters.set(networkId, roster);
    let total = [...rosters.values()].reduce((sum, { hosts }) => sum + hosts.length, 0);
    for (const [id, { hosts }] of rosters) {
      if (total <= limit) break;
      rosters.delete(id);
      total -= hosts.length;
    }
    return roster;
  };

  /** Undefined when there is no such network. */
  const present = async (networkId: number): Promise<Roster | undefined> => {
    const newest = await store.networkVersion(networkId);
    if (newest === undefined) return undefined;
    const { version } = newest;
    const known = rosters.get(networkId);
    if (known !== undefined && known.version >= version) return known;
    const isWhole = known !== undefined && known.version >= newest.forgottenVersion;
    const hosts = isWhole
      ? merge(known.hosts, await store.hostsChangedSince(networkId, known.version))
      : await store.listHosts(networkId);
    // A backup that was put back in between would leave half of what was before.
    const after = await store.networkVersion(networkId);
    if (after !== undefined && after.forgottenVersion > version) return present(networkId);
    // Rows that are newer than the version are in the next difference once more, which changes nothing.
    return remember(networkId, { version, hosts, differences: new Map() });
  };

  return {
    ...store,

    async listHosts(networkId, page) {
      if (page !== undefined) return store.listHosts(networkId, page);
      return (await present(networkId))?.hosts ?? [];
    },

    async hostsChangedSince(networkId, version) {
      const roster = await present(networkId);
      if (roster === undefined || version >= roster.version) return [];
      const known = roster.differences.get(version);
      if (known !== undefined) return known;
      const changed = await store.hostsChangedSince(networkId, version);
      if (roster.differences.size < DIFFERENCES_LIMIT) roster.differences.set(version, changed);
      return changed;
    },
  };
}

/** `changed` may hold hosts that are new or gone. */
function merge(hosts: readonly HostRecord[], changed: readonly HostRecord[]): readonly HostRecord[] {
  if (changed.length === 0) return hosts;
  const ids = new Set(changed.map(({ id }) => id));
  const merged = hosts.filter(({ id }) => !ids.has(id));
  for (const host of changed) if (host.deletedAt === null) merged.splice(placeOf(host.name, merged), 0, host);
  return merged;
}

/** Where a host of that name belongs: SQLite sorts by bytes, and names are ASCII. */
function placeOf(name: string, hosts: readonly HostRecord[]): number {
  let [low, high] = [0, hosts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hosts[middle]!.name < name) low = middle + 1; // below the length
    else high = middle;
  }
  return low;
}
