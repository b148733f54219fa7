/** `192.0.2.1:51820` and `[2001:db8::1%3]:51820`, as both sides of the UAPI write an endpoint: never a host name. */
import { parseAddress } from '../ip.ts';
import { Endpoint } from '../peer/endpoint.ts';
import { parseUint } from './number.ts';

const ENDPOINT = /^(?:(?<v4>[\d.]+)|\[(?<v6>[\da-f:.]+)(?:%(?<zone>[^\]%]+))?\]):(?<port>\d+)$/i;

/** Index of an interface by its name, or undefined when there is none: the zone of a link-local address may be a name. */
export type InterfaceIndex = (name: string) => number | undefined;

export function parseEndpoint(text: string, interfaceIndex: InterfaceIndex = () => undefined): Endpoint | undefined {
  const groups = ENDPOINT.exec(text)?.groups;
  const address = parseAddress(groups?.['v4'] ?? groups?.['v6'] ?? '');
  const port = parseUint(groups?.['port'] ?? '', 0xffff);
  if (address === undefined || port === undefined) return undefined;
  const zone = groups?.['zone'];
  const scopeId = zone === undefined ? 0 : (parseUint(zone, 0xffff_ffff) ?? interfaceIndex(zone));
  return scopeId === undefined ? undefined : Endpoint.from(address, port, scopeId);
}
