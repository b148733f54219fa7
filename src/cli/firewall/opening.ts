/** What an interface needs of a firewall, and what is to be done where a firewall does not give it. */
import type { CommandLine } from '../steps.ts';

export interface Need {
  /** The tunnel's interface: what arrives through it was authenticated by the tunnel. */
  interfaceName: string;
  /** Where peers send their datagrams; undefined when this host only ever speaks first. */
  listenPort: number | undefined;
}

/** A rule that is not there. */
export interface Opening {
  firewall: 'ufw' | 'firewalld' | 'nftables' | 'iptables';
  /** `incoming UDP on port 55867` */
  what: string;
  add: CommandLine;
  remove: Closing;
}

/** How to take a rule back; kept in a file while it is there. */
export type Closing =
  | { type: 'command'; command: CommandLine }
  /** nftables deletes by a handle that is only known later: the rule is found again by its comment. */
  | { type: 'nft-comment'; comment: string };

export function whatFromPeers(port: number): string {
  return `incoming UDP on port ${port}`;
}

export function whatFromTunnel(interfaceName: string): string {
  return `traffic that comes out of ${interfaceName}`;
}

/** Marks the rules that are ours. */
export function ruleComment(interfaceName: string): string {
  return `peerage ${interfaceName}`;
}
