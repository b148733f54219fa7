/** Where a host can be reached: `name:port`, `192.0.2.1:port`, `[2001:db8::1]:port`. */
import { formatAddress, isPrivate, isReachable, parseAddress, unmapAddress, type IpAddress } from '../../ip.ts';
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

function split(text: string): { host: string; port: number } {
  const [, v6, name, digits] = /^(?:\[([^\]]*)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
  return { host: v6 ?? name ?? '', port: Number(digits ?? 0) };
}

function format(address: IpAddress, port: number): string {
  const text = formatAddress(address);
  return address.family === 4 ? `${text}:${port}` : `[${text}]:${port}`;
}
