/**
 * Forwarding. A host needs it when peers reach each other through it: when some of them, without an endpoint, can be reached
 * through nobody else. Hosts of a registry find each other; one of them needs it for what lies behind it (registry.ts).
 */
import type { IpFamily } from '../../ip.ts';
import { readMembership } from '../membership.ts';
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';
import { allowedIpsOf, type Subject } from './subject.ts';

const SYSCTLS: Readonly<Record<IpFamily, string>> = { 4: 'net.ipv4.ip_forward', 6: 'net.ipv6.conf.all.forwarding' };

export interface ForwardingFacts {
  name: string;
  /** Peers that may have to be reached through this host. */
  isRelay: boolean;
  /** Families that the peers have addresses of, and whether they are forwarded. */
  families: readonly { family: IpFamily; isForwarded: boolean }[];
}

export async function gatherForwarding(ports: Ports, subject: Subject): Promise<ForwardingFacts> {
  const peers = subject.config?.peers ?? [];
  const isJoined = (await readMembership(ports, subject.name)) !== undefined;
  const families = ([4, 6] as const).filter((family) => allowedIpsOf(subject).some((ip) => ip.family === family));
  return {
    name: subject.name,
    isRelay: !isJoined && peers.length > 1 && peers.some(({ endpoint }) => endpoint === undefined),
    families: await Promise.all(
      families.map(async (family) => ({ family, isForwarded: await isForwarded(ports, family) })),
    ),
  };
}

export async function isForwarded(ports: Pick<Ports, 'files'>, family: IpFamily): Promise<boolean> {
  const text = await ports.files.read(`/proc/sys/${SYSCTLS[family].replaceAll('.', '/')}`);
  return (text ?? '0').trim() !== '0';
}

export function forwardingRemedy(family: IpFamily): string {
  return `sysctl -w ${SYSCTLS[family]}=1   # and in /etc/sysctl.d, to last`;
}

export function checkForwarding({ name, isRelay, families }: ForwardingFacts): Finding[] {
  if (!isRelay) return [];
  const report = about(name);
  return families.map(({ family, isForwarded }) =>
    isForwarded
      ? report('ok', `IPv${family} is forwarded: peers can reach each other through this host`)
      : report(
          'warning',
          `IPv${family} is not forwarded: peers cannot reach each other through this host`,
          forwardingRemedy(family),
        ),
  );
}
