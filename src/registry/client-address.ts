/**
 * Who a request comes from and what it calls this registry, also when a reverse proxy on the same machine stands between.
 * Only from there, that is from a loopback address, are the headers of a proxy believed.
 */
import {
  containsAddress,
  formatAddress,
  type IpAddress,
  knownCidr,
  parseAddress,
  unmapAddress,
  type Cidr,
} from '../ip.ts';
import { done, refuse, type Result } from './service/result.ts';

const LOOPBACK: readonly Cidr[] = ['127.0.0.0/8', '::1/128'].map(knownCidr);
/** Goes into a shell script: only what cannot end a quoted string there. */
const ORIGIN = /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;
const PATH = /^(?:\/[A-Za-z0-9._~-]+)*$/;

/** Who asks. */
export interface Client {
  /** In canonical text, where it is an address. */
  readonly address: string;
  /** False for who is on this machine itself, or behind a proxy here that does not say who asks: they cannot be told apart. */
  readonly isRemote: boolean;
}

/** @param peer The address at the other end of the connection. */
export function clientOfRequest(peer: string, header: (name: string) => string | undefined): Client {
  const address = parseAddress(peer);
  // A socket without addresses, or a test.
  if (address === undefined) return { address: peer, isRemote: false };
  const canonical = unmapAddress(address);
  // A socket for both families shows IPv4 clients as `::ffff:192.0.2.1`.
  const text = formatAddress(canonical);
  if (!isLoopbackAddress(canonical)) return { address: text, isRemote: true };
  // The last entry is the one that our own proxy has added; those before it are the client's word.
  const named = header('x-forwarded-for')?.split(',').at(-1)?.trim();
  if (named === undefined) return { address: text, isRemote: false };
  const forwarded = parseAddress(named);
  // Somebody behind the proxy, whatever the entry says.
  if (forwarded === undefined) return { address: text, isRemote: true };
  const client = unmapAddress(forwarded);
  return { address: formatAddress(client), isRemote: !isLoopbackAddress(client) };
}

/** Refuses a client that calls the registry by something that is no name. */
export function requestOrigin(
  requestUrl: string,
  peer: string,
  header: (name: string) => string | undefined,
): Result<string> {
  const { protocol, host } = new URL(requestUrl);
  const secure = protocol === 'https:' || (isLoopback(peer) && header('x-forwarded-proto') === 'https');
  const origin = `${secure ? 'https' : 'http'}://${host}`;
  return ORIGIN.test(origin) ? done(origin) : refuse('invalid', 'The Host header names no host.');
}

/** The canonical text of an address that an administrator gave for the registry; undefined when it is none. */
export function parsePublicUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return undefined;
  const path = url.pathname.replace(/\/+$/, '');
  return ORIGIN.test(url.origin) && PATH.test(path) ? `${url.origin}${path}` : undefined;
}

function isLoopback(text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && isLoopbackAddress(unmapAddress(address));
}

function isLoopbackAddress(address: IpAddress): boolean {
  return LOOPBACK.some((range) => containsAddress(range, address));
}
