/** What a network owes to the passing of time, paid by whoever asks for something of it. */
import type { HostRecord, NetworkRecord } from '../store/port.ts';
import type { RegistryPorts } from './ports.ts';

/** True when hosts were hidden or removed: whatever the caller has read before may be of yesterday. */
export async function collectDue(network: NetworkRecord, { store, bell, wall }: RegistryPorts): Promise<boolean> {
  const at = wall();
  if (network.nextDueAt === null || network.nextDueAt > at) return false;
  const version = await store.collectDue(network.id, { actor: 'registry', at });
  if (version !== undefined && version > network.version) bell.ring(network.id, version);
  return true;
}

/**
 * Notes that an ephemeral host is alive. Written when a quarter of the silence that it is allowed has passed since the last
 * time, never at every poll. A host that has not asked for anything yet is not silent: it has not begun.
 */
export async function noteSeen(host: HostRecord, network: NetworkRecord, ports: RegistryPorts): Promise<void> {
  const at = ports.wall();
  if (isUnseen(host, network, at)) await ports.store.noteSeen(network.id, [host.id], at);
}

/** Whether it is worth noting that the host is alive. */
export function isUnseen({ ephemeral, seenAt }: HostRecord, { silenceSeconds }: NetworkRecord, at: number): boolean {
  return ephemeral && (seenAt === null || at - seenAt >= 250 * silenceSeconds);
}

/** Whether its time is up, and the others do not see it. It may still renew itself. */
export function hasExpired({ expiresAt, lapsedAt }: HostRecord, at: number): boolean {
  return lapsedAt !== null || (expiresAt !== null && expiresAt <= at);
}
