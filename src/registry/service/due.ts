/**
 * What a network owes to the passing of time, paid by whoever asks for something of it.
 *
 * Who only reads is answered also when the disk is full: what could not be written is left out of view here, and written by the
 * first request that finds room. Only the refusal of a full disk is dealt with so; any other failure is one of the request.
 */
import type { WallMs } from '../../clock.ts';
import { perObject } from '../render/per-object.ts';
import type { HostRecord, NetworkRecord, Store } from '../store/port.ts';
import type { RegistryPorts } from './ports.ts';
import { sees } from './sight.ts';

/** How long to wait before what could not be written is tried again, where nobody asks. */
export const RETRY_MS = 5000;

/** Notes that found no room, by network and host: a host that asks all the time must not be taken for a silent one. */
const unwritten = perObject<Store, Map<number, Map<string, WallMs>>>(() => new Map());

/** True when hosts were hidden or removed: whatever the caller has read before may be of yesterday. */
export async function collectDue(network: NetworkRecord, { store, bell, wall }: RegistryPorts): Promise<boolean> {
  const at = wall();
  if (!isOverdue(network, at)) return false;
  return unlessFull(store, async () => {
    await writeLateNotes(network, at, store);
    const version = await store.collectDue(network.id, { actor: 'registry', at });
    if (version !== undefined && version > network.version) bell.ring(network.id, version);
    await forgetTagSets(network.id, store);
  });
}

/** Rules and tags come and go; a set of tags that no host has any more would be read for ever by all who ask. */
async function forgetTagSets(networkId: number, store: Store): Promise<void> {
  const unused = await store.unusedTagSets(networkId);
  if (unused.length === 0) return;
  const network = await store.networkById(networkId);
  if (network === undefined) return;
  const present = (await store.listTagSets(networkId)).map(({ tags }) => tags);
  const sets = unused.map((set) => ({ ...set, seenBy: present.filter((tags) => sees(tags, set.tags, network.rules)) }));
  await store.forgetTagSets(networkId, sets, network.version);
}

/** Whether something is due: after `collectDue`, it was not written. */
export function isOverdue({ nextDueAt }: Pick<NetworkRecord, 'nextDueAt'>, at: number): boolean {
  return nextDueAt !== null && nextDueAt <= at;
}

/** All hosts of the network, as `withDue` gives them. */
export async function hostsWithDue(
  network: NetworkRecord,
  ports: Pick<RegistryPorts, 'store' | 'wall'>,
): Promise<readonly HostRecord[]> {
  const { store, wall } = ports;
  if (!isOverdue(network, wall())) return store.listHosts(network.id);
  // By pages, so that `seenAt` is of now.
  return withDue(await store.listHosts(network.id, { limit: -1 }), network, ports);
}

/** The hosts as they are with what is due, though it may not be written yet: the same list when nothing is. */
export function withDue(
  hosts: readonly HostRecord[],
  network: NetworkRecord,
  { store, wall }: Pick<RegistryPorts, 'store' | 'wall'>,
): readonly HostRecord[] {
  const at = wall();
  if (!isOverdue(network, at)) return hosts;
  const late = unwritten(store).get(network.id);
  return hosts.map((host) => {
    const seenAt = Math.max(host.seenAt ?? Infinity, late?.get(host.id) ?? 0);
    const isSilent = host.ephemeral && seenAt + 1000 * network.silenceSeconds <= at;
    const isOver = host.expiresAt !== null && host.expiresAt + 1000 * network.graceSeconds <= at;
    if (isSilent || isOver) return { ...host, deletedAt: host.deletedAt ?? at };
    return hasExpired(host, at) ? { ...host, lapsedAt: host.lapsedAt ?? at } : host;
  });
}

/**
 * Notes that an ephemeral host is alive. Written when a quarter of the silence that it is allowed has passed since the last
 * time, never at every poll. A host that has not asked for anything yet is not silent: it has not begun.
 */
export async function noteSeen(host: HostRecord, network: NetworkRecord, ports: RegistryPorts): Promise<void> {
  if (isUnseen(host, network, ports.wall())) await noteAllSeen([host.id], network, ports);
}

/** The same of several hosts, for which it is worth it. */
export async function noteAllSeen(
  hostIds: readonly string[],
  { id }: NetworkRecord,
  { store, wall }: RegistryPorts,
): Promise<void> {
  const at = wall();
  if (await unlessFull(store, () => store.noteSeen(id, hostIds, at))) return;
  const late = unwritten(store).get(id) ?? new Map<string, WallMs>();
  for (const hostId of hostIds) late.set(hostId, at);
  unwritten(store).set(id, late);
}

/** Whether it is worth noting that the host is alive. */
export function isUnseen({ ephemeral, seenAt }: HostRecord, { silenceSeconds }: NetworkRecord, at: number): boolean {
  return ephemeral && (seenAt === null || at - seenAt >= 250 * silenceSeconds);
}

/** Whether its time is up, and the others do not see it. It may still renew itself. */
export function hasExpired({ expiresAt, lapsedAt }: HostRecord, at: number): boolean {
  return lapsedAt !== null || (expiresAt !== null && expiresAt <= at);
}

/** Those who asked within the silence, at the time of the last of them: rather a while too long than collected alive. */
async function writeLateNotes({ id, silenceSeconds }: NetworkRecord, at: WallMs, store: Store): Promise<void> {
  const late = [...(unwritten(store).get(id) ?? [])].filter(([, seenAt]) => seenAt + 1000 * silenceSeconds > at);
  const newest = late.reduce((latest, [, seenAt]) => Math.max(latest, seenAt), 0);
  if (late.length > 0)
    await store.noteSeen(
      id,
      late.map(([hostId]) => hostId),
      newest,
    );
  unwritten(store).delete(id);
}

/** False when there was no room to write. */
async function unlessFull(store: Store, write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (store.isFull(error)) return false;
    throw error;
  }
}
