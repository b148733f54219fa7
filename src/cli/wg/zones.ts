/** Endpoints as wg(8) shows them: a link-local address with the name of its interface (RFC 4007 section 11). */
import type { IpAddress } from '../../ip.ts';
import type { Endpoint } from '../../peer/endpoint.ts';
import type { Ports } from '../ports.ts';
import { zoneIndex } from '../resolve.ts';

/** Interfaces by their index. */
export type ZoneNames = ReadonlyMap<number, string>;

const NONE: ZoneNames = new Map();

/** Of this host, if an endpoint has a zone; most have none, and nothing is looked up. */
export async function zoneNames(
  ports: Pick<Ports, 'files'>,
  peers: readonly { endpoint?: Endpoint | undefined }[],
): Promise<ZoneNames> {
  if (!peers.some(({ endpoint }) => endpoint !== undefined && endpoint.scopeId !== 0)) return NONE;
  const names = await ports.files.list('/sys/class/net');
  const indices = await Promise.all(names.map((name) => zoneIndex(ports, name)));
  return new Map(names.map((name, i) => [indices[i] ?? 0, name]));
}

export function formatEndpoint(endpoint: Endpoint, zones: ZoneNames): string {
  const name = endpoint.scopeId !== 0 && isLinkLocal(endpoint.ipAddress) ? zones.get(endpoint.scopeId) : undefined;
  const text = endpoint.toString();
  return name === undefined ? text : text.replace(`%${endpoint.scopeId}]`, `%${name}]`);
}

/** Unicast (RFC 4291 section 2.5.6) and multicast (section 2.7). */
export function isLinkLocal(address: IpAddress): boolean {
  const [first = 0, second = 0] = address.bytes;
  return address.family === 6 && ((first === 0xfe && second >> 6 === 2) || (first === 0xff && (second & 0xf) === 2));
}
