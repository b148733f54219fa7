/**
 * Firewall rules that belong to a default route through a tunnel, in nftables or, where there is no nft(8), in iptables.
 *
 * 1. Packets to the tunnel's own addresses that come from elsewhere are dropped: else whoever is on the same wire could find
 *    out those addresses, and reach into connections that live in the tunnel (CVE-2019-14899).
 * 2. The mark of the tunnel's own datagrams is kept in connection tracking and given back to their answers, so that the
 *    strict reverse path filter looks them up in the same routing table (net.ipv4.conf.all.src_valid_mark).
 */
import { formatAddress, type IpAddress, type IpFamily } from '../../ip.ts';
import type { Step } from '../steps.ts';

export interface Guard {
  /** The interface. */
  name: string;
  family: IpFamily;
  mark: number;
  /** Those of the interface, of this family. */
  addresses: readonly IpAddress[];
}

const IPTABLES = { 4: 'iptables', 6: 'ip6tables' } as const;
export type IptablesProgram = (typeof IPTABLES)[IpFamily];

/** A table per interface and family, of the name that wg-quick(8) gives it: either of the two removes it again. */
export function nftGuard({ name, family, mark, addresses }: Guard): Step {
  const protocol = family === 4 ? 'ip' : 'ip6';
  const drops = addresses.map(
    (address) => `iifname != "${name}" ${protocol} daddr ${formatAddress(address)} fib saddr type != local drop`,
  );
  const table = `table ${protocol} ${nftTable(name)}`;
  // All at once. The table may be there still if the interface went on its own; adding it first lets it be deleted if not.
  const input = `add ${table}
delete ${table}
${table} {
  chain preraw {
    type filter hook prerouting priority -300;
    ${drops.join('\n    ')}
  }
  chain premangle {
    type filter hook prerouting priority -150;
    meta l4proto udp meta mark set ct mark
  }
  chain postmangle {
    type filter hook postrouting priority -150;
    meta l4proto udp mark ${mark} ct mark set mark
  }
}
`;
  return nftStep(input);
}

export function iptablesGuard({ name, family, mark, addresses }: Guard): Step {
  const comment = `-m comment --comment "${iptablesComment(name)}"`;
  const drops = addresses.map(
    (address) =>
      `-I PREROUTING ! -i ${name} -d ${formatAddress(address)} -m addrtype ! --src-type LOCAL -j DROP ${comment}`,
  );
  const input = [
    '*raw',
    ...drops,
    'COMMIT',
    '*mangle',
    `-I POSTROUTING -m mark --mark ${mark} -p udp -j CONNMARK --save-mark ${comment}`,
    `-I PREROUTING -p udp -j CONNMARK --restore-mark ${comment}`,
    'COMMIT',
    '',
  ].join('\n');
  return { command: [`${IPTABLES[family]}-restore`, '-n'], input };
}

/** @param tables The output of `nft list tables`. Undefined when there is nothing to remove. */
export function nftGuardRemoval(
  name: string,
  tables: string,
  families: readonly IpFamily[] = [4, 6],
): Step | undefined {
  const wanted = families.map((family) => `table ${family === 4 ? 'ip' : 'ip6'} ${nftTable(name)}`);
  const found = tables.split('\n').filter((table) => wanted.includes(table));
  return found.length === 0 ? undefined : nftStep(found.map((table) => `delete ${table}\n`).join(''));
}

/** @param saved The output of `iptables-save` or `ip6tables-save`. Undefined when there is nothing to remove. */
export function iptablesGuardRemoval(name: string, program: IptablesProgram, saved: string): Step | undefined {
  const comment = `--comment "${iptablesComment(name)}"`;
  const lines = saved.split('\n');
  if (!lines.some((line) => isOwn(line))) return undefined;
  const input = lines
    .filter((line) => line.startsWith('*') || line === 'COMMIT' || isOwn(line))
    .map((line) => `${line.replace(/^-A/, '-D')}\n`)
    .join('');
  return { command: [`${program}-restore`, '-n'], input };

  function isOwn(line: string): boolean {
    return line.startsWith('-A ') && line.includes(comment);
  }
}

/** The mark in a guard that is there. @param table The output of `nft list table`. */
export function nftGuardMark(table: string): number | undefined {
  return readMark(/ mark (0x[\da-f]+|\d+) ct mark set /.exec(table));
}

/** @param saved The output of `iptables-save` or `ip6tables-save`. */
export function iptablesGuardMark(name: string, saved: string): number | undefined {
  const own = saved.split('\n').filter((line) => line.includes(`--comment "${iptablesComment(name)}"`));
  return readMark(/ --mark (0x[\da-f]+|\d+)/.exec(own.join('\n')));
}

function readMark(match: RegExpExecArray | null): number | undefined {
  return match === null ? undefined : Number(match[1]);
}

export function nftTable(name: string): string {
  return `wg-quick-${name}`;
}

function iptablesComment(name: string): string {
  return `wg-quick(8) rule for ${name}`;
}

function nftStep(input: string): Step {
  return { command: ['nft', '-f', '-'], input, shown: 'nft -f /dev/fd/63' };
}
