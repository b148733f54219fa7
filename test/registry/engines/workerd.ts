/** The registry as Cloudflare runs it: workerd with D1, both real, through miniflare, without network. */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { Miniflare } from 'miniflare';
import { buildDocs } from '../../../runtime/node/build-edge-docs.ts';
import { createMemoryBell } from '../../../src/registry/memory-bell.ts';
import { issueFirstAdminKey } from '../../../src/registry/service/credentials.ts';
import { createD1Store } from '../../../src/registry/store/d1-store.ts';
import type { Database } from '../../../src/registry/store/database.ts';
import { migrate } from '../../../src/registry/store/migrate.ts';
import { MIGRATIONS } from '../../../src/registry/store/migrations.ts';
import { sealer, sha256 } from '../../../src/library/surroundings.ts';
import { bundleWorker, COMPATIBILITY_DATE } from './bundle-worker.ts';
import { execute } from './execute.ts';
import type { StartEngine } from './engine.ts';

const bundle = bundleWorker('test/runtime/worker/entry.ts');

/** As wrangler has them made before it deploys. */
const docs = await mkdtemp(join(tmpdir(), 'peerage-edge-docs-'));
buildDocs(docs);
process.once('exit', () => rmSync(docs, { recursive: true }));

const TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";

export const startEngine: StartEngine = async ({ log, wall, hasBell = true, statements = [] }) => {
  const script = await bundle;
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate: COMPATIBILITY_DATE,
    assets: { directory: docs, routerConfig: { has_user_worker: true } },
    d1Databases: { DB: 'registry' },
    ...(hasBell && { durableObjects: { BELL: { className: 'NetworkBell', useSQLite: true } } }),
    host: '127.0.0.1',
    port: 0,
    handleStructuredLogs: ({ message }: { message: string }) => log.info({ message }, 'console'),
    structuredWorkerdLogs: true,
  });
  const url = (await miniflare.ready).href.replace(/\/$/, '');
  const database = (await miniflare.getD1Database('DB')) as Database; // the shape is a part of D1's
  await execute(database, statements);
  await migrate(database, MIGRATIONS);
  const random = (length: number) => new Uint8Array(randomBytes(length));
  const ports = { store: createD1Store(database), bell: createMemoryBell(), random, sha256, sealer, wall };
  let told = Number.NaN;
  return {
    url,
    adminKey: await issueFirstAdminKey(ports),
    async tellTime() {
      const now = wall();
      if (now === told) return;
      await fetch(`${url}/test-clock`, { method: 'POST', body: `${now}` });
      told = now;
    },
    async stored() {
      const { results: tables } = await database.prepare(TABLES).all();
      const rows = tables.map(({ name }) => database.prepare(`SELECT * FROM "${String(name)}"`).all());
      return JSON.stringify(await Promise.all(rows));
    },
    edge: {
      database,
      hibernate: (networkId) =>
        miniflare.unsafeEvictDurableObject('', 'NetworkBell', { name: `${networkId}`, webSockets: 'hibernate' }),
    },
    close: once(() => miniflare.dispose()),
  };
};

/** Closing twice is closing once. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
