/**
 * systemd-networkd: two files in /etc/systemd/network, NAME.netdev for the tunnel and NAME.network for its addresses.
 * systemd.netdev(5), systemd.network(5). The private key is read from a file, which the user systemd-network may read.
 */
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { EXIT_TABLE, exitRoutes, familyOf, privateKeyFile, routesBehind, title, type FormatOptions } from './view.ts';

export function renderNetdev(config: PlainConfig, options: FormatOptions): string {
  const tunnel = [
    `# ${title(config)}`,
    '[NetDev]',
    `Name=${options.interface}`,
    'Kind=wireguard',
    '',
    '[WireGuard]',
    `PrivateKeyFile=${privateKeyFile(options)}`,
    `ListenPort=${config.host.listenPort}`,
    ...(exitRoutes(config).length === 0 ? [] : [`FirewallMark=${EXIT_TABLE}`]),
    '',
  ];
  return `${tunnel.join('\n')}${config.peers.map((peer) => renderPeer(peer, config)).join('')}`;
}

export function renderNetwork(config: PlainConfig, options: FormatOptions): string {
  const exits = exitRoutes(config);
  const behind = config.peers.flatMap((peer) => routesBehind(peer, config)).filter((route) => !exits.includes(route));
  const lines = [
    `# ${title(config)}`,
    '[Match]',
    `Name=${options.interface}`,
    '',
    '[Network]',
    ...config.host.addresses.map((address) => `Address=${address}`),
    '',
    // RouteTable= of the .netdev would do the same, from version 250 on.
    ...behind.flatMap((route) => ['[Route]', `Destination=${route}`, '']),
    ...exits.flatMap(exitSections),
  ];
  return lines.join('\n');
}

/** What the main table has no better route for than the default one goes into the tunnel, but for the tunnel's own datagrams. */
function exitSections(route: string): string[] {
  const rule = ['[RoutingPolicyRule]', `Family=ipv${familyOf(route)}`];
  return [
    '[Route]',
    `Destination=${route}`,
    `Table=${EXIT_TABLE}`,
    '',
    ...rule,
    'Table=main',
    'SuppressPrefixLength=0',
    'Priority=32764',
    '',
    ...rule,
    `FirewallMark=${EXIT_TABLE}`,
    'InvertRule=yes',
    `Table=${EXIT_TABLE}`,
    'Priority=32765',
    '',
  ];
}

function renderPeer(peer: PeerView, { network }: PlainConfig): string {
  const lines = [
    '',
    '[WireGuardPeer]',
    `# ${peer.name}.${network.suffix}`,
    `PublicKey=${peer.publicKey}`,
    ...(peer.endpoint === null ? [] : [`Endpoint=${peer.endpoint}`]),
    `AllowedIPs=${peer.allowedIps.join(',')}`,
    ...(peer.persistentKeepalive === 0 ? [] : [`PersistentKeepalive=${peer.persistentKeepalive}`]),
    '',
  ];
  return lines.join('\n');
}
