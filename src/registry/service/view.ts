/**
 * What a host sees of its network has a version of its own: that of the last change that the host may see. A change of others leaves it as
 * it is, so whoever waits goes on waiting, an ETag stays good, and nobody learns when something happens to hosts that are not there
 * for it. Versions are times (store/schema.ts), so the distance between two of them does not tell either.
 */
import type { HostRecord, NetworkRecord, TagVersion } from '../store/port.ts';
import type { HostCaller } from './credentials.ts';
import type { RegistryPorts } from './ports.ts';
import { sees } from './sight.ts';

/** A host, with what decides what it sees. */
export interface View {
  readonly host: HostRecord;
  readonly network: NetworkRecord;
  /** Of what the host sees. */
  readonly version: number;
}

/** The caller's view: without rules out of what was read already, with rules for one query. */
export async function viewOf<T extends Pick<HostCaller, 'host' | 'network'>>(
  caller: T,
  { store }: Pick<RegistryPorts, 'store'>,
): Promise<T & View> {
  const { id, rules } = caller.network;
  return { ...caller, version: versionOfView(caller, rules === null ? [] : await store.tagVersions(id)) };
}

/** `tagVersions`: of the network; nobody looks at them while it has no rules. */
export function versionOfView(
  { host, network }: Pick<HostCaller, 'host' | 'network'>,
  tagVersions: readonly TagVersion[],
): number {
  const { rules, version, sharedVersion } = network;
  const visible = tagVersions.filter(({ tags }) => sees(host.tags, tags, rules)).map((set) => set.version);
  const newest = rules === null ? sharedVersion : visible.reduce((a, b) => Math.max(a, b), 1);
  // What came after the rules were read may be seen by others by now: it is news the next time.
  return Math.min(version, Math.max(newest, host.version, host.viewVersion));
}

/** Whether there is anything that a host which knows `seen` has not seen. A version from the future was seen before a backup came back. */
export function hasNews({ version }: View, seen: number): boolean {
  return seen !== version;
}

/**
 * Whether what changed after `since` would not do: the version is none that the host was told, the asking host itself has changed, since how
 * it sees the others depends on itself, or whom it may see has, or tombstones of that time are gone.
 *
 * Compared with the version of the view and not of the network: a host that asks with a time of its own choice must not learn from
 * the answer whether something has changed since that it may not see.
 */
export function needsFull({ host, network, version }: View, since: number): boolean {
  return (
    since < Math.max(1, network.forgottenVersion) || since > version || host.version > since || host.viewVersion > since
  );
}

/** The version that a host says it has, or 0 when it is none that it was told. */
export function toldVersion({ version }: View, said: number): number {
  return said > version ? 0 : said;
}
