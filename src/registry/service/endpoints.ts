/** Where a host can be reached: `name:port`, `192.0.2.1:port`, `[2001:db8::1]:port`. */
import {
  formatAddress,
  isPrivate,
  isReachable,
  parseAddress,
  unmapAddress,
  type IpAddress,
  type IpFamily,
} from '../../ip.ts';
import type { HostRecord } from '../store/port.ts';
import { done, refuse, type Result } from './result.ts';

/** The canonical text of an endpoint that a host or an administrator declares. */
export function parseEndpoint(text: string, pointer: string): Result<string> {
  const { host, port } = split(text);
  if (port < 1 || port > 65535)
    return refuse('invalid', `The endpoint ${text} needs a port from 1 to 65535 after a colon.`, pointer);
  const address = parseAddress(host);
  if (address !== undefined) return done(format(address, port));
  if (text.startsWith('[') || /^[0-9.]+$/.test(host))
    return refuse('invalid', `The endpoint ${text} holds no valid IP address.`, pointer);
  if (host.length > 253 || !host.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i.test(label)))
    return refuse('invalid', `The endpoint ${text} holds no valid host name.`, pointer);
  return done(`${host.toLowerCase()}:${port}`);
}

/**
 * An endpoint that a host saw packets come from: an address in any case, and one that others could send to. Undefined for
 * anything else. `local`: it means something only where it was seen.
 */
export function parseObservedEndpoint(text: string): { text: string; address: IpAddress; local: boolean } | undefined {
  const { host, port } = split(text);
  const parsed = parseAddress(host);
  if (parsed === undefined || port < 1 || port > 65535 || !isReachable(parsed)) return undefined;
  const address = unmapAddress(parsed);
  return { text: format(address, port), address, local: isPrivate(address) };
}

/** What the handshakes of others saw last, of a host: at most one of each family. */
type Observed = Pick<HostRecord, 'endpoint' | 'observedEndpoint' | 'observedAt' | 'otherEndpoint' | 'otherObservedAt'>;

/**
 * The endpoint of `host` that `viewer` gets to know. What the host says of itself stands as it was said: a name may have
 * addresses of both families, and those of tomorrow. Of what was seen of it,
 *
 * 1. a family that the viewer has itself, as far as is known, goes before one that it has not;
 * 2. an address of the Internet goes before one of some local network;
 * 3. what was seen last goes before what was seen earlier.
 */
export function endpointFor(viewer: Observed, host: Observed): string | null {
  if (host.endpoint !== null) return host.endpoint;
  const own = familiesOf(viewer);
  const [best] = observations(host).sort(
    (a, b) =>
      Number(own.has(b.family)) - Number(own.has(a.family)) || Number(a.local) - Number(b.local) || b.seenAt - a.seenAt,
  );
  return best?.text ?? null;
}

/** The families that a host is known to have. Nothing else of a viewer decides which endpoint it gets. */
export function familiesOf(host: Observed): ReadonlySet<IpFamily> {
  const families = [parsed(host.endpoint)?.family, ...observations(host).map(({ family }) => family)];
  return new Set(families.filter((family) => family !== undefined));
}

/** What was seen last of the host in this family. */
export function observationOf(
  host: Observed,
  family: IpFamily,
): { text: string; local: boolean; seenAt: number } | undefined {
  return observations(host).find((seen) => seen.family === family);
}

function observations(host: Observed): { text: string; family: IpFamily; local: boolean; seenAt: number }[] {
  const { observedEndpoint, observedAt, otherEndpoint, otherObservedAt } = host;
  return [[observedEndpoint, observedAt] as const, [otherEndpoint, otherObservedAt] as const].flatMap(([text, at]) => {
    const address = parsed(text);
    if (text === null || address === undefined) return [];
    return [{ text, family: address.family, local: isPrivate(address), seenAt: at ?? 0 }];
  });
}

/** The address in an endpoint; undefined for none, and for a name. */
function parsed(endpoint: string | null): IpAddress | undefined {
  return endpoint === null ? undefined : parseAddress(split(endpoint).host);
}

function split(text: string): { host: string; port: number } {
  const [, v6, name, digits] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
  return { host: v6 ?? name ?? '', port: Number(digits ?? 0) };
}

function format(address: IpAddress, port: number): string {
  const text = formatAddress(address);
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}
