/**
 * The names as hosts(5) has them, for /etc/hosts and dnsmasq. In full only: a host chooses its own name, and as a short one
 * it could call itself `localhost`, or what a server of the local network is called.
 */
import type { Names } from './names.ts';

export function renderHostsFile({ suffix, hosts }: Names): string {
  return hosts.flatMap(({ name, addresses }) => addresses.map((address) => `${address} ${name}.${suffix}\n`)).join('');
}
