/** From where the address of a registry can be reached: what to tell people whose next step is on another machine. */
import { isReachable, parseAddress } from '../ip.ts';

const EVERY_INTERFACE: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['[::]', '[::1]'],
]);

/** Whether a URL names the machine that it is used on: by a loopback address, or by that of every interface. */
export function isThisMachine(url: string): boolean {
  const { hostname } = new URL(url);
  const address = parseAddress(hostname.replace(/^\[(.*)\]$/, '$1'));
  return hostname === 'localhost' || (address !== undefined && !isReachable(address));
}

/** What the machine itself calls a registry that listens on every interface, which is no address to call; else undefined. */
export function localUrl(url: string): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  const local = EVERY_INTERFACE.get(hostname);
  return local && `${protocol}//${local}${port === '' ? '' : `:${port}`}`;
}
