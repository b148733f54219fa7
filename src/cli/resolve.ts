/**
 * Host names of endpoints to addresses. `getent ahosts` asks as getaddrinfo(3) does: /etc/hosts, mDNS and what else
 * nsswitch.conf names, in the order of RFC 6724; the first answer is the best.
 */
import { endpointAddress, type ConfigEndpoint } from '../config/config.ts';
import { UserError } from '../errors.ts';
import { parseAddress, unmapAddress } from '../ip.ts';
import { Endpoint } from '../peer/endpoint.ts';
import type { Ports } from './ports.ts';

const NOT_FOUND = 127;

/** Undefined when the name has no address now, or its zone names no interface. */
export async function resolveEndpoint(
  ports: Pick<Ports, 'processes' | 'files'>,
  endpoint: ConfigEndpoint,
): Promise<Endpoint | undefined> {
  const literal = endpointAddress(endpoint);
  if (literal !== undefined) {
    const zone = endpoint.host.split('%', 2)[1];
    const scopeId = zone === undefined ? 0 : await zoneIndex(ports, zone);
    return scopeId === undefined ? undefined : Endpoint.from(literal, endpoint.port, scopeId);
  }
  const { exitCode, stdout } = await ports.processes.run('getent', ['ahosts', endpoint.host]);
  const address = exitCode === 0 ? parseAddress(stdout.split(/\s/, 1)[0] ?? '') : undefined;
  // Where no interface has an IPv4 address, the resolver maps those of names into IPv6, which the IPv6-only socket cannot send to.
  return address && Endpoint.from(unmapAddress(address), endpoint.port);
}

/** Why no name at all has an address here, which asking again does not mend; undefined when names can be asked for. */
export async function missingResolver({ processes }: Pick<Ports, 'processes'>): Promise<UserError | undefined> {
  // By running it: whoever may do that need not be allowed to look through the PATH.
  const { exitCode } = await processes.run('getent', ['--version']);
  if (exitCode !== NOT_FOUND) return undefined;
  return new UserError('getent(1), which looks up the host names of endpoints, is not installed', {
    remedy: 'Install it (libc-bin on Debian, musl-utils on Alpine), or write the address instead of the name.',
  });
}

/** The index of the interface that a zone (`eth0` or `2`, as in `fe80::1%eth0`) stands for; undefined when there is none. */
export async function zoneIndex(ports: Pick<Ports, 'files'>, zone: string): Promise<number | undefined> {
  if (/^\d{1,9}$/.test(zone)) return Number(zone);
  const index = await ports.files.read(`/sys/class/net/${zone.replaceAll('/', '')}/ifindex`);
  return index === undefined ? undefined : Number(index);
}
