/**
 * NetworkManager: a keyfile for /etc/NetworkManager/system-connections/NAME.nmconnection, nm-settings-keyfile(5). It has no way
 * to name a file with the private key. So the section that the key belongs to comes once more at the end, and the host appends
 * the line `private-key=...`. (NetworkManager 1.42 forgets peers that stand before the first [wireguard].)
 */
import type { IpFamily } from '../../ip.ts';
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { familyOf, title, type FormatOptions } from './view.ts';

export function renderNetworkManager(config: PlainConfig, { interface: name }: FormatOptions): string {
  const lines = [
    `# ${title(config)}`,
    '[connection]',
    `id=${name}`,
    'type=wireguard',
    `interface-name=${name}`,
    '',
    ...addressSection(4, config),
    ...addressSection(6, config),
    '[wireguard]',
    `listen-port=${config.host.listenPort}`,
    '',
    ...config.peers.flatMap(peerSection),
    '# The line private-key=... belongs here, added by this host, which alone knows it.',
    '[wireguard]',
    '',
  ];
  return lines.join('\n');
}

function addressSection(family: IpFamily, { host }: PlainConfig): string[] {
  const addresses = host.addresses.filter((address) => familyOf(address) === family);
  return [
    `[ipv${family}]`,
    `method=${addresses.length === 0 ? 'disabled' : 'manual'}`,
    ...addresses.map((address, i) => `address${i + 1}=${address}`),
    '',
  ];
}

function peerSection(peer: PeerView): string[] {
  return [
    `[wireguard-peer.${peer.publicKey}]`,
    `# ${peer.name}`,
    ...(peer.endpoint === null ? [] : [`endpoint=${peer.endpoint}`]),
    `allowed-ips=${peer.allowedIps.map((cidr) => `${cidr};`).join('')}`,
    ...(peer.persistentKeepalive === 0 ? [] : [`persistent-keepalive=${peer.persistentKeepalive}`]),
    '',
  ];
}
