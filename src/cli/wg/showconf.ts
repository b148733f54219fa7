/** `wg showconf`: a running tunnel as a file for `setconf`. */
import { formatCidr } from '../../ip.ts';
import { formatKey, isNoKey } from '../../keys.ts';
import type { PeerState } from '../../device/contract.ts';
import type { TunnelState } from '../../tunnel/state.ts';
import type { Ports } from '../ports.ts';
import { describeTunnel } from '../tunnel.ts';
import { formatEndpoint, zoneNames, type ZoneNames } from './zones.ts';
import { perrorOfTunnel } from './wg-error.ts';

export async function showconf(ports: Ports, name: string): Promise<void> {
  const state = await perrorOfTunnel(ports, 'Unable to access interface', () => describeTunnel(ports, name));
  ports.terminal.stdout(formatState(state, await zoneNames(ports, state.peers)));
}

/** In the order of wg(8): the endpoint after the allowed IPs. */
export function formatState(state: TunnelState, zones: ZoneNames): string {
  const { listenPort, fwmark, privateKey, peers } = state;
  const own = [
    '[Interface]',
    ...(listenPort === 0 ? [] : [`ListenPort = ${listenPort}`]),
    ...(fwmark === 0 ? [] : [`FwMark = 0x${fwmark.toString(16)}`]),
    ...(privateKey === undefined ? [] : [`PrivateKey = ${formatKey(privateKey)}`]),
    '',
  ];
  const sections = peers.map((peer) => formatPeer(peer, zones).join(''));
  return `${own.join('\n')}\n${sections.join('\n')}`;
}

function formatPeer(peer: PeerState, zones: ZoneNames): string[] {
  const { publicKey, presharedKey, allowedIps, endpoint, persistentKeepalive } = peer;
  return [
    `[Peer]\nPublicKey = ${formatKey(publicKey)}\n`,
    ...(isNoKey(presharedKey) ? [] : [`PresharedKey = ${formatKey(presharedKey)}\n`]),
    ...(allowedIps.length === 0 ? [] : [`AllowedIPs = ${allowedIps.map(formatCidr).join(', ')}\n`]),
    ...(endpoint === undefined ? [] : [`Endpoint = ${formatEndpoint(endpoint, zones)}\n`]),
    ...(persistentKeepalive === 0 ? [] : [`PersistentKeepalive = ${persistentKeepalive}\n`]),
  ];
}
