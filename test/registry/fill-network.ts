/** Networks of any size in a moment: rows as enrolments leave them, without a request for each host. For what is about size. */
import { encodeBase64Url } from '../../src/bytes.ts';
import { randomBytes, sha256 } from '../../src/library/surroundings.ts';
import { issueCredential } from '../../src/registry/service/credentials.ts';
import type { Database } from '../../src/registry/store/database.ts';

export interface FilledNetwork {
  /** As many as were asked for, of the first hosts. */
  readonly hostKeys: readonly string[];
  readonly publicKeys: readonly string[];
}

/** Rows of a statement: few enough for what D1 takes as one parameter. */
const CHUNK = 500;

/** Into a network that is there, empty, and of the range 10.1.0.0/16. Hosts are called host-0 and so on; every other one has an endpoint. */
export async function fillNetwork(
  database: Database,
  networkId: number,
  { hosts, keys }: { hosts: number; keys: number },
): Promise<FilledNetwork> {
  const credentials = await Promise.all(
    Array.from({ length: keys }, () => issueCredential('host', { random: randomBytes, sha256 })),
  );
  const rows = Array.from({ length: hosts }, (_, i) => ({
    id: encodeBase64Url(randomBytes(16)),
    name: `host-${i}`,
    publicKey: Buffer.from(randomBytes(32)).toString('base64'),
    address: `10.1.${(i + 256) >> 8}.${i & 255}`,
    endpoint: i % 2 === 0 ? `192.0.2.${i % 250}:51820` : null,
    version: i + 2,
  }));
  const column = (name: string) => `json_extract(value, '$.${name}')`;
  for (let i = 0; i < hosts; i += CHUNK) {
    const chunk = JSON.stringify(rows.slice(i, i + CHUNK));
    // oxlint-disable-next-line no-await-in-loop -- one after the other into one database
    await database.batch([
      database
        .prepare(
          `INSERT INTO hosts (id, network_id, name, public_key, addresses, routes, listen_port, endpoint, version, created_at)
           SELECT ${column('id')}, ?, ${column('name')}, ${column('publicKey')}, json_array(${column('address')}), '[]', 51820,
             ${column('endpoint')}, ${column('version')}, 0 FROM json_each(?)`,
        )
        .bind(networkId, chunk),
      database
        .prepare(
          `INSERT INTO addresses (network_id, address, host_id)
           SELECT ?, ${column('address')}, ${column('id')} FROM json_each(?)`,
        )
        .bind(networkId, chunk),
    ]);
  }
  const keyed = credentials.map(({ record }, i) => ({ ...record, host: rows[i]?.id }));
  await database.batch([
    database
      .prepare(
        `INSERT INTO credentials (id, hash, role, host_id, created_at)
         SELECT ${column('id')}, ${column('hash')}, 'host', ${column('host')}, 0 FROM json_each(?)`,
      )
      .bind(JSON.stringify(keyed)),
    database
      .prepare('UPDATE networks SET version = ?, shared_version = ? WHERE id = ?')
      .bind(hosts + 1, hosts + 1, networkId),
    database
      .prepare(
        'INSERT INTO tag_versions SELECT network_id, tags, max(version) FROM hosts WHERE network_id = ? GROUP BY tags',
      )
      .bind(networkId),
  ]);
  return { hostKeys: credentials.map(({ text }) => text), publicKeys: rows.map(({ publicKey }) => publicKey) };
}
