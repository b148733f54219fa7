/** The answer to `get=1`, as a tunnel writes it: the keys in wireguard-go's order. */
import { formatCidr } from '../ip.ts';
import { formatKeyHex } from '../keys.ts';
import type { PeerState } from '../device/contract.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { OK } from './errno.ts';

/** With its `errno=0` and the empty line that ends it. */
export function formatGet(state: TunnelState): string {
  const lines: string[] = [];
  if (state.privateKey !== undefined) lines.push(`private_key=${formatKeyHex(state.privateKey)}`);
  if (state.listenPort !== 0) lines.push(`listen_port=${state.listenPort}`);
  if (state.fwmark !== 0) lines.push(`fwmark=${state.fwmark}`);
  for (const peer of state.peers) appendPeer(lines, peer);
  return `${lines.map((line) => `${line}\n`).join('')}${formatErrno(OK)}`;
}

/**
 * The whole answer to a `set=1`, and the end of the answer to a `get=1`. A failure is negative, as wireguard-go writes it:
 * of `errno=98` wg(8) makes "Unknown error -98".
 */
export function formatErrno(errno: number): string {
  return `errno=${-errno}\n\n`;
}

function appendPeer(lines: string[], peer: PeerState): void {
  const seconds = Math.floor(peer.latestHandshakeMs / 1000);
  const nanoseconds = Math.floor((peer.latestHandshakeMs - 1000 * seconds) * 1e6);
  lines.push(
    `public_key=${formatKeyHex(peer.publicKey)}`,
    `preshared_key=${formatKeyHex(peer.presharedKey)}`,
    'protocol_version=1',
  );
  if (peer.endpoint !== undefined) lines.push(`endpoint=${peer.endpoint.toString()}`);
  lines.push(
    `last_handshake_time_sec=${seconds}`,
    `last_handshake_time_nsec=${nanoseconds}`,
    `tx_bytes=${peer.txBytes}`,
    `rx_bytes=${peer.rxBytes}`,
    `persistent_keepalive_interval=${peer.persistentKeepalive}`,
  );
  for (const prefix of peer.allowedIps) lines.push(`allowed_ip=${formatCidr(prefix)}`);
}
