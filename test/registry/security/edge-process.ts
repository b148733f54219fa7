/**
 * A registry at the edge that a test can kill, or leave without room: the Worker as it is deployed, in a workerd whose D1 keeps its
 * files in a folder of the test's.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { sealer, sha256 } from '../../../src/library/surroundings.ts';
import { createMemoryBell } from '../../../src/registry/memory-bell.ts';
import { issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import type { Database } from '../../../src/registry/store/database.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import { COMPATIBILITY_DATE } from '../engines/workerd.ts';
import type { RegistryProcess } from './registry-process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The Worker, in one file. */
export async function bundleWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'runtime/worker/main.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:workers'],
    write: false,
  });
  return outputFiles[0]!.text; // one entry point, one output
}

/** Starts workerd over what is in the folder; the first time the database is made, and has an administrator. */
export async function startEdgeProcess(script: string, folder: string): Promise<RegistryProcess> {
  const isNew = databaseIn(folder) === undefined;
  const before = new Set(workerds());
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    d1Databases: { DB: 'registry' },
    d1Persist: folder,
    host: '127.0.0.1',
    port: 0,
    handleStructuredLogs: () => {},
    structuredWorkerdLogs: true,
  });
  const url = (await miniflare.ready).href.replace(/\/$/, '');
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
