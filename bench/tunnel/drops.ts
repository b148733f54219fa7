/** Which datagrams were dropped by sockets that were full: proc_net(5). Pure. */

/**
 * How many the sockets of a namespace have dropped since it began, but for those of `tunnelPort`: what they drop is lost by the
 * tunnel. `counters`: /proc/net/snmp; `sockets`: /proc/net/udp. Throws when they hold something else.
 */
export function parseReceiverDrops(counters: string, sockets: string, tunnelPort: number): number {
  const [names, values] = counters.split('\n').filter((line) => line.startsWith('Udp: '));
  const column = names?.split(' ').indexOf('RcvbufErrors') ?? -1;
  const all = Number(values?.split(' ')[column]);
  if (!Number.isInteger(all)) throw new Error(`/proc/net/snmp says nothing of RcvbufErrors:\n${counters}`);
  return all - dropsOfPort(sockets, tunnelPort);
}

function dropsOfPort(sockets: string, port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return sockets
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix))
    .reduce((sum, fields) => sum + Number(fields.at(-1)), 0);
}
