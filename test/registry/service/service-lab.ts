/** The services over a store of their own, without HTTP: for what is about an order of events, or about many of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createMemoryBell } from '../../../src/registry/memory-bell.ts';
import { authenticateHost, type HostCaller } from '../../../src/registry/service/credentials.ts';
import { addNetwork } from '../../../src/registry/service/networks.ts';
import type { RegistryPorts } from '../../../src/registry/service/ports.ts';
import type { Result } from '../../../src/registry/service/result.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import { rememberHosts } from '../../../src/registry/store/remembered-hosts.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { sealer } from '../../../src/library/surroundings.ts';
import { runtime } from '../../runtime/this-runtime.ts';

export const ADMIN = { actor: 'admin:test' };

/** With a network `home` of 10.1.0.0/16, and a clock that only the test moves. */
export async function startServices(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-services-'));
  const database = await runtime.openDatabase(join(folder, 'registry.db'));
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });
  await migrate(database, MIGRATIONS);
  const clock = { now: Date.UTC(2026, 0, 1) };
  const wall = (): number => clock.now;
  const ports: RegistryPorts = {
    store: rememberHosts(createD1Store(database)),
    bell: createMemoryBell(),
    random: (length) => new Uint8Array(randomBytes(length)),
    sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice())),
    sealer,
    wall,
  };
  accepted(await addNetwork({ name: 'home', ranges: ['10.1.0.0/16'] }, ADMIN, ports));
  const caller = async (hostKey: string): Promise<HostCaller> => accepted(await authenticateHost(hostKey, ports));
  return { ports, clock, database, caller };
}

export function accepted<T>(result: Result<T>): T {
  assert(result.ok, result.ok ? '' : result.detail);
  return result.value;
}

export function reasonOf(result: Result<unknown>): string {
  return result.ok ? 'accepted' : result.reason;
}
