/** The firewall: whether peers get through to this host, and what they send to its programs. */
import type { Opening } from '../firewall/opening.ts';
import { findOpenings, quote } from '../firewall/firewall.ts';
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';
import type { Subject } from './subject.ts';

export interface ListeningFacts {
  name: string;
  openings: readonly Opening[];
  /** Whether this host knows an endpoint of every peer, and so can speak first. */
  speaksFirst: boolean;
}

export async function gatherListening(ports: Ports, { name, config, tunnel }: Subject): Promise<ListeningFacts> {
  const listenPort = config?.interface.listenPort || undefined;
  const peers = tunnel?.peers ?? config?.peers ?? [];
  return {
    name,
    openings: await findOpenings(ports, { interfaceName: name, listenPort }),
    speaksFirst: peers.every(({ endpoint }) => endpoint !== undefined),
  };
}

export function checkListening({ name, openings, speaksFirst }: ListeningFacts): Finding[] {
  if (openings.length === 0) return [about(name)('ok', 'no firewall of this host stands in the way')];
  return openings.map(({ firewall, what, add }) => {
    // Who speaks first opens the way for the answers.
    const severity = what.startsWith('incoming') && !speaksFirst ? 'error' : 'warning';
    return about(name)(severity, `${firewall} does not let in ${what}`, quote(add));
  });
}
