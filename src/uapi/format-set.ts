/** `set=1` as one who configures a tunnel writes it, in the order that wg(8) uses. */
import { formatCidr } from '../ip.ts';
import { formatKeyHex, KEY_BYTES } from '../keys.ts';
import type { PeerChange } from '../device/contract.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { TunnelChange } from '../tunnel/state.ts';

export const GET_REQUEST = 'get=1\n\n';

const NO_KEY = '00'.repeat(KEY_BYTES);

/** The whole request, with the empty line that ends it. `formatEndpoint`: to write the name of a zone instead of its index. */
export function formatSet(change: TunnelChange, formatEndpoint: (endpoint: Endpoint) => string = String): string {
  const lines = ['set=1'];
  if (change.privateKey !== undefined)
    lines.push(`private_key=${change.privateKey === null ? NO_KEY : formatKeyHex(change.privateKey)}`);
  if (change.listenPort !== undefined) lines.push(`listen_port=${change.listenPort}`);
  if (change.fwmark !== undefined) lines.push(`fwmark=${change.fwmark}`);
  if (change.replacePeers === true) lines.push('replace_peers=true');
  for (const peer of change.peers ?? []) appendPeer(lines, peer, formatEndpoint);
  return `${lines.join('\n')}\n\n`;
}

function appendPeer(lines: string[], peer: PeerChange, formatEndpoint: (endpoint: Endpoint) => string): void {
  lines.push(`public_key=${formatKeyHex(peer.publicKey)}`);
  if (peer.remove === true) lines.push('remove=true');
  if (peer.updateOnly === true) lines.push('update_only=true');
  if (peer.presharedKey !== undefined) lines.push(`preshared_key=${formatKeyHex(peer.presharedKey)}`);
  if (peer.endpoint !== undefined) lines.push(`endpoint=${formatEndpoint(peer.endpoint)}`);
  if (peer.persistentKeepalive !== undefined) lines.push(`persistent_keepalive_interval=${peer.persistentKeepalive}`);
  if (peer.replaceAllowedIps === true) lines.push('replace_allowed_ips=true');
  for (const { cidr, remove } of peer.allowedIps ?? [])
    lines.push(`allowed_ip=${remove === true ? '-' : ''}${formatCidr(cidr)}`);
}
