/**
 * OpenWrt: sections for /etc/config/network, in the format of uci, as `uci -m import network` takes them. It has no way to name
 * a file with the private key. So the section of the interface comes last, and the host appends `option private_key '...'`.
 */
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { endpointParts, title, type FormatOptions } from './view.ts';

export function renderOpenWrt(config: PlainConfig, { interface: name }: FormatOptions): string {
  const { host, peers } = config;
  const lines = [
    `# ${title(config)}`,
    ...peers.flatMap((peer) => peerSection(peer, config, name)),
    "# The line option private_key '...' belongs at the end, added by this host, which alone knows it.",
    `config interface '${name}'`,
    option('proto', 'wireguard'),
    option('listen_port', host.listenPort),
    ...host.addresses.map((address) => list('addresses', address)),
    '',
  ];
  return lines.join('\n');
}

function peerSection(peer: PeerView, { network }: PlainConfig, name: string): string[] {
  const { host, port } = endpointParts(peer.endpoint ?? '');
  return [
    // Names of hosts have no underscore, names of sections no hyphen: two hosts never share a section.
    `config wireguard_${name} '${name}_${peer.name.replaceAll('-', '_')}'`,
    option('description', `${peer.name}.${network.suffix}`),
    option('public_key', peer.publicKey),
    ...peer.allowedIps.map((cidr) => list('allowed_ips', cidr)),
    option('route_allowed_ips', 1),
    ...(peer.endpoint === null ? [] : [option('endpoint_host', host), option('endpoint_port', port)]),
    ...(peer.persistentKeepalive === 0 ? [] : [option('persistent_keepalive', peer.persistentKeepalive)]),
    '',
  ];
}

function option(name: string, value: string | number): string {
  return `\toption ${name} '${value}'`;
}

function list(name: string, value: string): string {
  return `\tlist ${name} '${value}'`;
}
