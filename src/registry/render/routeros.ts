/**
 * RouterOS 7: a script for `/import`. The router makes the private key itself when the interface is added, and this
 * leaves it alone: what it sets can be imported again and again, and replaces what it set before.
 */
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { endpointParts, exitRoutes, familyOf, routesBehind, title, type FormatOptions } from './view.ts';

export function renderRouterOs(config: PlainConfig, { interface: name }: FormatOptions): string {
  const { host, peers } = config;
  const exits = exitRoutes(config);
  const behind = peers.flatMap((peer) => routesBehind(peer, config)).filter((route) => !exits.includes(route));
  const lines = [
    `# ${title(config)}`,
    `:if ([:len [/interface wireguard find name="${name}"]] = 0) do={ /interface wireguard add name="${name}" }`,
    `/interface wireguard set [find name="${name}"] listen-port=${host.listenPort}`,
    `/interface wireguard peers remove [find interface="${name}"]`,
    `/ip address remove [find interface="${name}"]`,
    // Without `dynamic=no` this would hold the link-local address as well, which cannot be removed.
    `/ipv6 address remove [find interface="${name}" dynamic=no]`,
    `/ip route remove [find gateway="${name}" static]`,
    `/ipv6 route remove [find gateway="${name}" static]`,
    ...host.addresses.map((address) =>
      familyOf(address) === 4
        ? `/ip address add interface="${name}" address="${address}"`
        : `/ipv6 address add interface="${name}" address="${address}" advertise=no`,
    ),
    ...peers.map((peer) => addPeer(peer, config, name)),
    ...behind.map((route) => {
      const menu = familyOf(route) === 4 ? '/ip route' : '/ipv6 route';
      return `${menu} add dst-address="${route}" gateway="${name}"`;
    }),
    // Which of the router's own traffic must not take it depends on its other routes, that nobody knows here.
    ...exits.map((route) => `# A default route (${route}) through ${name} is yours to set.`),
    '',
  ];
  return lines.join('\n');
}

function addPeer(peer: PeerView, { network }: PlainConfig, name: string): string {
  const { endpoint, persistentKeepalive } = peer;
  const { host, port } = endpointParts(endpoint ?? '');
  const values = [
    `interface="${name}"`,
    `comment="${peer.name}.${network.suffix}"`,
    `public-key="${peer.publicKey}"`,
    ...(endpoint === null ? [] : [`endpoint-address="${host}"`, `endpoint-port=${port}`]),
    `allowed-address="${peer.allowedIps.join(',')}"`,
    ...(persistentKeepalive === 0 ? [] : [`persistent-keepalive=${persistentKeepalive}s`]),
  ];
  return `/interface wireguard peers add ${values.join(' ')}`;
}
