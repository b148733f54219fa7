/**
 * A registry at the edge that a test can kill, or leave without room: the Worker as it is deployed, in a workerd whose D1 keeps its
 * files in a folder of the test's.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Miniflare } from 'miniflare';
import { sealer, sha256 } from '../../../src/library/surroundings.ts';
import { createMemoryBell } from '../../../src/registry/memory-bell.ts';
import { issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import type { Database } from '../../../src/registry/store/database.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { bundleWorker, COMPATIBILITY_DATE } from '../engines/bundle-worker.ts';
import type { RegistryProcess } from './registry-process.ts';

export interface EdgeProcessOptions {
  /** One of the machine's addresses, where hosts elsewhere reach it. Without, it listens at the loopback only. */
  readonly address?: string;
  /** Whether hosts can listen. */
  readonly hasBell?: boolean;
  /** Takes what the registry logs, with the time in milliseconds since 1970. */
  readonly onLog?: (line: { timestamp: number; message: string }) => void;
}

/** The Worker that is deployed. */
export async function bundleRegistryWorker(): Promise<string> {
  return bundleWorker('runtime/worker/main.ts');
}

/** Starts workerd over what is in the folder; the first time the database is made, and has an administrator. */
export async function startEdgeProcess(
  script: string,
  folder: string,
  { address, hasBell = false, onLog = () => {} }: EdgeProcessOptions = {},
): Promise<RegistryProcess> {
  const isNew = databaseIn(folder) === undefined;
  const before = new Set(workerds());
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    d1Databases: { DB: 'registry' },
    d1Persist: folder,
    ...(hasBell && { durableObjects: { BELL: { className: 'NetworkBell', useSQLite: true } } }),
    host: address === undefined ? '127.0.0.1' : '0.0.0.0', // of any other it would tell us a port of the loopback
    port: 0,
    handleStructuredLogs: onLog,
    structuredWorkerdLogs: true,
  });
  const { port, hostname } = await miniflare.ready;
  const url = `http://${address ?? hostname}:${port}`;
  const [pid, ...others] = workerds().filter((each) => !before.has(each));
  assert(pid !== undefined && others.length === 0, 'one workerd has been started');
  return {
    pid,
    url,
    adminKey: isNew ? await prepare(await miniflare.getD1Database('DB')) : undefined,
    async kill() {
      if (!workerds().includes(pid)) return;
      process.kill(pid, 'SIGKILL');
      await waitFor('workerd is gone', () => !workerds().includes(pid));
      await miniflare.dispose();
    },
  };
}

/** The file of the one D1 database in the folder, if it is there. */
export function databaseIn(folder: string): string | undefined {
  return globSync(join(folder, 'miniflare-D1DatabaseObject/*.sqlite')).find(
    (file) => !file.endsWith('metadata.sqlite'),
  );
}

async function prepare(database: Database): Promise<string | undefined> {
  await migrate(database, MIGRATIONS);
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const store = createD1Store(database);
  return issueFirstAdminKey({ store, bell: createMemoryBell(), random, sha256, sealer, wall: Date.now });
}

/** Those that this process has started, and that have not ended. */
function workerds(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ');
  const isWorkerd = (pid: string): boolean => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return /^Name:\s+workerd$/m.test(status) && !/^State:\s+Z/m.test(status);
  };
  return children.filter((pid) => pid !== '' && isWorkerd(pid)).map(Number);
}
