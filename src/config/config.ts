/**
 * What a wg-quick(8) file says, as values: nothing here knows about text. parse.ts reads it, format.ts writes it.
 */
import { formatAddress, parseAddress, type Cidr, type IpAddress } from '../ip.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../keys.ts';

export interface Config {
  interface: InterfaceConfig;
  peers: readonly PeerConfig[];
}

export interface InterfaceConfig {
  /** Absent when the file leaves it out or empty: a PostUp line then sets it from a file of its own. */
  privateKey?: PrivateKey | undefined;
  /** 0 lets the kernel choose. */
  listenPort?: number | undefined;
  /** 0 is `off`. */
  fwmark?: number | undefined;
  /** With their host bits: `10.0.0.1/24`. */
  addresses: readonly Cidr[];
  /** Addresses of servers and search domains, as written. */
  dns: readonly string[];
  mtu?: number | undefined;
  /** `off`, `auto`, a number, or a name from rt_tables. */
  table?: string | undefined;
  /** Shell lines of the administrator, in their order; `%i` stands for the interface. */
  preUp: readonly string[];
  postUp: readonly string[];
  preDown: readonly string[];
  postDown: readonly string[];
  saveConfig: boolean;
}

export interface PeerConfig {
  publicKey: PublicKey;
  presharedKey?: PresharedKey | undefined;
  allowedIps: readonly Cidr[];
  endpoint?: ConfigEndpoint | undefined;
  /** Seconds; 0 is `off`. */
  persistentKeepalive?: number | undefined;
  /** Written as a `#` line under `[Peer]`; never read back. */
  comment?: string | undefined;
}

/** Where a peer is reached: a name to be resolved, or an address. */
export interface ConfigEndpoint {
  /** As written, without brackets; may carry a zone (`fe80::1%eth0`). */
  host: string;
  port: number;
}

/** An [Interface] section in which nothing is said. */
export const EMPTY_INTERFACE: InterfaceConfig = {
  addresses: [],
  dns: [],
  preUp: [],
  postUp: [],
  preDown: [],
  postDown: [],
  saveConfig: false,
};

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_.])?$/i;

/** `name:port`, `192.0.2.1:port` or `[2001:db8::1]:port`; undefined for anything else. */
export function parseEndpoint(text: string): ConfigEndpoint | undefined {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>.+)):(?<port>\d{1,5})$/.exec(text)?.groups;
  const port = Number(match?.['port']);
  if (match === undefined || port < 1 || port > 65535) return undefined;
  const bracketed = match['v6'];
  const host = bracketed ?? match['host'] ?? '';
  // wg(8) splits at the last colon, so an IPv6 address without brackets passes there and here.
  const isIpv6 = parseAddress(host.replace(/%[\w.-]+$/, ''))?.family === 6;
  return isIpv6 || (bracketed === undefined && HOST_NAME.test(host)) ? { host, port } : undefined;
}

/** IPv6 in brackets, as RFC 5952 writes it. */
export function formatEndpoint(endpoint: ConfigEndpoint): string {
  const [address = '', zone] = endpoint.host.split('%', 2);
  if (!address.includes(':')) return `${endpoint.host}:${endpoint.port}`;
  const parsed = parseAddress(address);
  const text = parsed === undefined ? address : formatAddress(parsed);
  return `[${text}${zone === undefined ? '' : `%${zone}`}]:${endpoint.port}`;
}

/** The address of an endpoint that is not a name; the zone is left out. */
export function endpointAddress(endpoint: ConfigEndpoint): IpAddress | undefined {
  return parseAddress(endpoint.host.split('%', 1)[0] ?? '');
}
