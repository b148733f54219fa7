/**
 * A data plane beside the Device: somebody who seals and opens the packets of established sessions, while the Device keeps to
 * handshakes, timers and changes. The Device tells it what changed; it tells the Device what happened.
 *
 * What the Device is handed it still carries out itself, but for received transport data that the data plane opens: the
 * replay window would be in two places.
 */
import type { MonotonicMs } from '../clock.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import type { Activity } from '../peer/timers.ts';
import type { Keypair, SendCounter } from '../transport/keypair.ts';
import type { AllowedIps } from './allowed-ips.ts';
import type { DeviceContext } from './context.ts';
import { handshakeComplete } from './receive-handshake.ts';
import { flushStaged, initiate } from './send.ts';

/** Is told at once; what it makes of it takes effect when it says so. */
export interface DataPlane {
  /** For the next keypair, which both sides of it take counters from. */
  createCounter(): SendCounter;
  /** Whether it opens what comes under this keypair. Otherwise the Device does. */
  carries(keypair: Keypair): boolean;
  /** Whether allowed IPs of so many prefixes fit in any case. */
  hasRoomFor(prefixes: number): boolean;
  /** The peer's keypairs or endpoint are not what they were. */
  peerChanged(peer: Peer): void;
  /** Its keys are erased already, as far as the Device has them. */
  keypairFreed(keypair: Keypair): void;
  peerRemoved(peer: Peer): void;
  allowedIpsChanged(allowedIps: AllowedIps<Peer>): void;
}

/** What the data plane has done for a peer since it told last. */
export interface PeerActivity extends Activity {
  /** Bytes of datagrams. */
  txBytes: number;
  rxBytes: number;
}

/**
 * The data plane has sent or received for the peer: counts, timers, and the rekeying of 6.2. While the interface is down this tells
 * of what was before, and no timer may begin again.
 */
export function handleActivity(device: DeviceContext, peer: Peer, activity: PeerActivity, now: MonotonicMs): void {
  peer.txBytes += activity.txBytes;
  peer.rxBytes += activity.rxBytes;
  if (!device.isUp || !peer.timers.catchUp(activity)) return;
  device.deadlines.update(peer);
  const current = peer.sendingKeypair(now);
  const hasSent = activity.txBytes > 0 && current !== undefined && peer.wantsRekeyOnSend(current, now);
  if (hasSent || (activity.rxBytes > 0 && peer.wantsRekeyOnReceive(now))) initiate(device, peer, now);
}

/** An authentic message under `keypair` came in, which was the peer's next one so far. */
export function handleConfirmed(device: DeviceContext, peer: Peer, keypair: Keypair, now: MonotonicMs): void {
  if (!peer.keypairs.promote(keypair)) return;
  device.plane?.peerChanged(peer);
  handshakeComplete(device, peer);
  flushStaged(device, peer, now);
}

/** An authentic message of the peer came from there. */
export function handleMoved(device: DeviceContext, peer: Peer, from: Endpoint): void {
  peer.moveTo(from);
  device.plane?.peerChanged(peer);
}
