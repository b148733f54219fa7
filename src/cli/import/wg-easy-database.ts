/** A network out of what wg-easy keeps since version 15: a database with one interface and its clients. */
import { z } from 'zod';
import { formatAddress, formatCidr, maskCidr, parseCidr, type Cidr } from '../../ip.ts';
import { parseJson } from '../../agent/exchange.ts';
import type { Row } from '../ports.ts';
import { nameOf, uniqueName, type Found, type FoundHost } from './found.ts';
import { KEYS_NOTE, SERVER_NAME } from './wg-easy.ts';

/** Only what goes further is asked for: no private and no preshared key. The tables are those of version 15.0. */
export const WG_EASY_QUERIES: readonly string[] = [
  `SELECT i.name, i.port, i.public_key, i.ipv4_cidr, i.ipv6_cidr, u.host, u.port AS public_port
     FROM interfaces_table i LEFT JOIN user_configs_table u ON u.id = i.name ORDER BY i.name`,
  `SELECT name, public_key, ipv4_address, ipv6_address, server_allowed_ips, enabled, expires_at
     FROM clients_table ORDER BY id`,
];

const Interface = z.object({
  port: z.number(),
  public_key: z.string(),
  ipv4_cidr: z.string(),
  ipv6_cidr: z.string(),
  host: z.string().nullable(),
  public_port: z.number().nullable(),
});
const Client = z.object({
  name: z.string(),
  public_key: z.string(),
  ipv4_address: z.string(),
  ipv6_address: z.string(),
  server_allowed_ips: z.string(),
  enabled: z.number(),
  expires_at: z.string().nullable(),
});
const Prefixes = z.array(z.string()).nullable();

/** ZodError when the rows are not of these tables. */
export function readWgEasyDatabase([interfaces = [], rows = []]: readonly Row[][], nowMs: number): Found {
  const server = Interface.parse(interfaces[0]);
  const ranges = [server.ipv4_cidr, server.ipv6_cidr].map(parseCidr).filter((range) => range !== undefined);
  const hosts: FoundHost[] = [serverOf(server, ranges)];
  const notes = [KEYS_NOTE];
  if (interfaces.length > 1) notes.push('only the first of its interfaces is taken');
  if (!server.host)
    notes.push(
      'wg-easy does not say where the server is reached: peers find it when it reports, or give it an endpoint',
    );
  for (const client of z.array(Client).parse(rows)) {
    const name = uniqueName(nameOf(client.name, 'client'), hosts);
    const isOver = client.expires_at !== null && Date.parse(client.expires_at) <= nowMs;
    if (client.enabled === 0) notes.push(`${name} is disabled, and left out`);
    else if (isOver) notes.push(`${name} has expired, and is left out`);
    else hosts.push(clientOf(name, client));
  }
  return { ranges: ranges.map((range) => formatCidr(maskCidr(range))), listenPort: server.port, hosts, notes };
}

/** The first address of each range is the server's. */
function serverOf(
  { public_key, port, host, public_port }: z.infer<typeof Interface>,
  ranges: readonly Cidr[],
): FoundHost {
  const addresses = ranges.map((range) => formatAddress(firstHost(range)));
  const at = host?.includes(':') === true && !host.startsWith('[') ? `[${host}]` : host;
  const endpoint = at ? `${at}:${public_port ?? port}` : null;
  return { name: SERVER_NAME, publicKey: public_key, addresses, endpoint, listenPort: port, routes: [] };
}

function firstHost(range: Cidr): Cidr {
  const first = maskCidr(range);
  const bytes = first.bytes.slice();
  bytes[bytes.length - 1]! |= 1;
  return { ...first, bytes };
}

function clientOf(name: string, client: z.infer<typeof Client>): FoundHost {
  return {
    name,
    publicKey: client.public_key,
    addresses: [client.ipv4_address, client.ipv6_address],
    endpoint: null,
    listenPort: undefined,
    routes: Prefixes.parse(parseJson(client.server_allowed_ips)) ?? [],
  };
}
