/** What another process has written to the database, nobody here rings for: it is looked for in the networks of which somebody waits. */
import type { MemoryBell } from './memory-bell.ts';
import type { RegistryPorts } from './service/ports.ts';

/** Wakes those who wait for what is there by now. */
export async function ringForOthers(
  bell: MemoryBell,
  { store, wall }: Pick<RegistryPorts, 'store' | 'wall'>,
): Promise<void> {
  const ring = async (networkId: number): Promise<void> => {
    // Of a network that is gone nobody has seen a version that is later than now.
    const { version } = (await store.networkVersion(networkId)) ?? { version: wall() };
    bell.ring(networkId, version);
  };
  await Promise.all(bell.awaited().map(ring));
}
