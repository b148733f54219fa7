/** The wg-quick files of a planned network, with keys made here. */
import type { RandomBytes } from '../clock.ts';
import type { PeerConfig } from '../config/config.ts';
import { EMPTY_INTERFACE } from '../config/config.ts';
import { formatConfig } from '../config/format.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { addressBits, cidr } from '../ip.ts';
import { generatePrivateKey, type PublicKey } from '../keys.ts';
import { NAT_KEEPALIVE_SECONDS } from '../network/nat.ts';
import type { NetworkPlan, PlannedHost } from '../network/plan.ts';

/** One file per host: its [Interface], and a [Peer] for each of the others. */
export function planFiles(
  plan: NetworkPlan,
  { random, crypto }: { random: RandomBytes; crypto: CryptoProvider },
): { host: string; text: string }[] {
  const hosts = plan.hosts.map((host) => {
    const privateKey = generatePrivateKey(random);
    return { host, privateKey, publicKey: crypto.publicKey(privateKey) as PublicKey }; // 32 bytes by the port's contract
  });
  return hosts.map(({ host, privateKey }) => {
    const peers = hosts.filter((other) => other.host !== host);
    const text = formatConfig({
      interface: { ...EMPTY_INTERFACE, privateKey, listenPort: host.listenPort, addresses: host.addresses },
      peers: peers.map((peer) => peerOf(peer.host, peer.publicKey, host, plan)),
    });
    return { host: host.name, text: `# WireGuard configuration for ${domainName(plan, host)}\n\n${text}` };
  });
}

/** `dolores.vpn.example.net`. */
export function domainName({ suffix }: NetworkPlan, { name }: PlannedHost): string {
  return suffix === undefined ? name : `${name}.${suffix}`;
}

function peerOf(peer: PlannedHost, publicKey: PublicKey, host: PlannedHost, plan: NetworkPlan): PeerConfig {
  const addresses = peer.addresses.map((address) => cidr(address, addressBits(address.family)));
  // A host that nobody can call keeps the way through its NAT open.
  const keepsOpen = host.endpoint === undefined && peer.endpoint !== undefined;
  return {
    publicKey,
    endpoint: peer.endpoint,
    allowedIps: [...addresses, ...peer.subnets],
    persistentKeepalive: keepsOpen ? NAT_KEEPALIVE_SECONDS : undefined,
    comment: domainName(plan, peer),
  };
}
