/** The answer to `get=1`, as a tunnel writes it: the keys in wireguard-go's order. */
import { formatCidr } from '../ip.ts';
import { formatKeyHex } from '../keys.ts';
import type { PeerState } from '../device/contract.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { OK } from './errno.ts';

/** In characters: what a socket takes at once, so that a long answer is made as fast as it is read. */
const PIECE_LENGTH = 1 << 16;

/** In pieces, with the `errno=0` and the empty line that end it. Read from the state as they are asked for. */
export function* formatGet(state: TunnelState): Generator<string, void> {
  let piece = '';
  for (const line of linesOf(state)) {
    piece += `${line}\n`;
    if (piece.length < PIECE_LENGTH) continue;
    yield piece;
    piece = '';
  }
  yield piece + formatErrno(OK);
}

/**
 * The whole answer to a `set=1`, and the end of the answer to a `get=1`. A failure is negative, as wireguard-go writes it:
 * of `errno=98` wg(8) makes "Unknown error -98".
 */
export function formatErrno(errno: number): string {
  return `errno=${-errno}\n\n`;
}

function* linesOf({ privateKey, listenPort, fwmark, peers }: TunnelState): Generator<string, void> {
  if (privateKey !== undefined) yield `private_key=${formatKeyHex(privateKey)}`;
  if (listenPort !== 0) yield `listen_port=${listenPort}`;
  if (fwmark !== 0) yield `fwmark=${fwmark}`;
  for (const peer of peers) yield* linesOfPeer(peer);
}

function* linesOfPeer(peer: PeerState): Generator<string, void> {
  const seconds = Math.floor(peer.latestHandshakeMs / 1000);
  const nanoseconds = Math.floor((peer.latestHandshakeMs - 1000 * seconds) * 1e6);
  yield `public_key=${formatKeyHex(peer.publicKey)}`;
  yield `preshared_key=${formatKeyHex(peer.presharedKey)}`;
  yield 'protocol_version=1';
  if (peer.endpoint !== undefined) yield `endpoint=${peer.endpoint.toString()}`;
  yield `last_handshake_time_sec=${seconds}`;
  yield `last_handshake_time_nsec=${nanoseconds}`;
  yield `tx_bytes=${peer.txBytes}`;
  yield `rx_bytes=${peer.rxBytes}`;
  yield `persistent_keepalive_interval=${peer.persistentKeepalive}`;
  for (const prefix of peer.allowedIps) yield `allowed_ip=${formatCidr(prefix)}`;
}
