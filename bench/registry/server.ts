/** The registry that is measured: a process of its own, over a file of its own, that a network of some size was put into before. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createRegistry } from '../../src/library/registry.ts';
import { CreatedToken } from '../../src/registry/wire.ts';
import { fillNetwork } from '../../test/registry/fill-network.ts';
import {
  bundleRegistry,
  startRegistryProcess,
  type RegistryHost,
} from '../../test/registry/security/registry-process.ts';
import { runtime } from '../../test/runtime/this-runtime.ts';

export interface MeasuredRegistry {
  readonly pid: number;
  readonly url: string;
  /** Of the first hosts, as many as were asked for. */
  readonly hostKeys: readonly string[];
  readonly publicKeys: readonly string[];
  /** Good for ten thousand hosts. */
  readonly token: string;
  readonly adminKey: string;
  close(): Promise<void>;
}

/** With a network `home` of this many hosts, served by a runtime. */
export async function startMeasured(
  host: RegistryHost,
  { hosts, keys }: { hosts: number; keys: number },
): Promise<MeasuredRegistry> {
  // Not in memory, as /tmp may be: what enrolments cost is writing.
  const base = process.env['TMPDIR'] ?? tmpdir();
  await mkdir(base, { recursive: true });
  const folder = await mkdtemp(join(base, 'peerage-bench-'));
  const databaseFile = join(folder, 'registry.db');
  const database = await runtime.openDatabase(databaseFile);
  const registry = await createRegistry({ database, peerAddress: () => '' });
  const adminKey = (await registry.issueFirstAdminKey())!; // the database is new
  const post = async (path: string, body: object): Promise<unknown> => {
    const headers = { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' };
    const answer = await registry.app.request(path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  await post('/v1/networks', { name: 'home', ranges: ['10.1.0.0/16'] });
  const { token } = CreatedToken.parse(await post('/v1/networks/home/tokens', { uses: 10_000 }));
  const filled = await fillNetwork(database, 1, { hosts, keys });
  database.close();
  const served = await startRegistryProcess([...(await bundleRegistry(folder, host)), databaseFile]);
  return {
    ...filled,
    pid: served.pid,
    url: served.url,
    token,
    adminKey,
    async close() {
      await served.kill();
      await rm(folder, { recursive: true });
    },
  };
}
