/**
 * Transport data (5.4.6): receiver index, age, open in place, replay window, promotion of a keypair, roaming, and then
 * cryptokey routing: the inner source address has to be the sender's own.
 */
import type { MonotonicMs } from '../clock.ts';
import { REJECT_AFTER_TIME_MS } from '../noise/constants.ts';
import { TRANSPORT_HEADER_BYTES, transportReceiverIndex } from '../noise/messages.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import { BAD_TAG, openTransport, REPLAYED } from '../transport/transport-data.ts';
import { drop, type DeviceContext } from './context.ts';
import type { DropReason } from './contract.ts';
import { combineEcn } from './ecn.ts';
import { packetFamily, packetLength, sourceOffset } from './inner-packet.ts';
import { handshakeComplete, messageReceived } from './receive-handshake.ts';
import { flushStaged, initiate } from './send.ts';

/** `length` is at least that of a keepalive. */
export function receiveTransport(
  device: DeviceContext,
  buffer: Uint8Array,
  offset: number,
  length: number,
  from: Endpoint,
  ecn: number,
  now: MonotonicMs,
): void {
  const entry = device.indices.get(transportReceiverIndex(buffer, offset));
  if (entry?.keypair === undefined) return drop(device, 'unknown-index');
  const { peer, keypair } = entry;
  if (device.plane?.carries(keypair) === true) return drop(device, 'unknown-index'); // it was published too late for this one
  if (now - keypair.createdAt >= REJECT_AFTER_TIME_MS) return drop(device, 'stale-keypair');
  const packetBytes = openTransport(keypair, buffer, offset, length);
  if (packetBytes < 0) return drop(device, dropReason(packetBytes));

  messageReceived(device, peer, length, from, now);
  if (peer.keypairs.promote(keypair)) {
    device.plane?.peerChanged(peer);
    handshakeComplete(device, peer);
    flushStaged(device, peer, now);
  }
  if (peer.wantsRekeyOnReceive(now)) initiate(device, peer, now);
  if (packetBytes === 0) return; // a keepalive
  peer.timers.dataReceived(now);
  device.deadlines.update(peer);
  deliver(device, peer, buffer, offset + TRANSPORT_HEADER_BYTES, packetBytes, ecn);
}

/** Hands the packet to the TUN, less its padding, when it may come from this peer. */
function deliver(
  device: DeviceContext,
  peer: Peer,
  buffer: Uint8Array,
  offset: number,
  length: number,
  ecn: number,
): void {
  const family = packetFamily(buffer, offset, length);
  if (family === 0) return drop(device, 'bad-inner-packet');
  const packetBytes = packetLength(family, buffer, offset, length);
  if (packetBytes === 0) return drop(device, 'bad-inner-packet');
  if (device.allowedIps.lookup(family, buffer, sourceOffset(family, offset)) !== peer)
    return drop(device, 'source-not-allowed');
  if (!combineEcn(family, buffer, offset, ecn)) return drop(device, 'ecn-mismatch');
  device.outputs.packet(buffer, offset, packetBytes);
}

function dropReason(failure: number): DropReason {
  if (failure === BAD_TAG) return 'bad-tag';
  return failure === REPLAYED ? 'replayed' : 'stale-keypair';
}
