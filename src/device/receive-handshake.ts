/**
 * Initiations and responses (5.4.2 and 5.4.3) whose MACs are right. State changes only once a message is authentic and
 * new; only then does the peer's endpoint move.
 */
import type { MonotonicMs } from '../clock.ts';
import { consumeInitiation, consumeResponse, wipeHandshake, type StaticKeys } from '../noise/handshake.ts';
import { responseReceiverIndex } from '../noise/messages.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import { createKeypair } from '../transport/keypair.ts';
import { drop, findPeer, type DeviceContext } from './context.ts';
import { sendKeepalive, sendResponse } from './send.ts';

export function receiveInitiation(
  device: DeviceContext,
  identity: StaticKeys,
  message: Uint8Array,
  from: Endpoint,
  now: MonotonicMs,
): void {
  let peer: Peer | undefined;
  const consumed = consumeInitiation(device.crypto, identity, message, (publicKey) => {
    peer = findPeer(device, publicKey);
    return peer?.remote;
  });
  if (consumed === undefined || peer === undefined) return drop(device, 'handshake-failed');
  const verdict = peer.acceptInitiation(consumed.timestamp, now);
  if (verdict !== 'accepted') {
    wipeHandshake(consumed.handshake);
    return drop(device, verdict);
  }
  messageReceived(device, peer, message.length, from, now);
  device.observe('initiation-received', peer.publicKey);
  sendResponse(device, peer, consumed.remote, consumed.handshake, now);
}

export function receiveResponse(
  device: DeviceContext,
  identity: StaticKeys,
  message: Uint8Array,
  from: Endpoint,
  now: MonotonicMs,
): void {
  const localIndex = responseReceiverIndex(message);
  const entry = device.indices.get(localIndex);
  const initiation = entry?.peer.initiation;
  if (entry === undefined || initiation?.index !== localIndex) return drop(device, 'unknown-index');
  const { peer } = entry;
  const consumed = consumeResponse(device.crypto, identity, initiation.remote, initiation.handshake, message);
  if (consumed === undefined) return drop(device, 'handshake-failed');

  peer.takeInitiation();
  const { keys, remoteIndex } = consumed;
  const keypair = createKeypair(device.crypto, keys, {
    localIndex,
    remoteIndex,
    isInitiator: true,
    createdAt: now,
    counter: device.plane?.createCounter(),
  });
  entry.keypair = keypair;
  peer.keypairs.addAsInitiator(keypair);
  device.plane?.peerChanged(peer);
  peer.timers.keysDerived(now);
  messageReceived(device, peer, message.length, from, now);
  device.observe('response-received', peer.publicKey);
  handshakeComplete(device, peer);
  // Key confirmation: the responder may not send before it hears from us under the new keypair.
  sendKeepalive(device, peer, now);
}

/** What every authentic message but a cookie reply does, of whatever type: it counts, it roams, it puts timers off. */
export function messageReceived(
  device: DeviceContext,
  peer: Peer,
  length: number,
  from: Endpoint,
  now: MonotonicMs,
): void {
  peer.rxBytes += length;
  if (peer.moveTo(from)) device.plane?.peerChanged(peer);
  peer.timers.messageReceived(now);
  device.deadlines.update(peer);
}

/** Both sides are known to have the keypair: as initiator with the response, as responder with the first message. */
export function handshakeComplete(device: DeviceContext, peer: Peer): void {
  peer.timers.handshakeComplete();
  peer.dropInitiation(); // ours, when the peer's own was faster
  peer.latestHandshakeMs = device.wall();
}
