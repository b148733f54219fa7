/**
 * The way out: a packet from the TUN to the peer that owns its destination, keepalives, and handshake messages.
 *
 *   1. sendPacket: route to a peer, or answer "unreachable"
 *   2. with a keypair: seal in place and send; rekey when it is old (6.2)
 *   3. without: stage a copy and initiate (6.4); flushStaged sends the copies once there is a keypair
 */
import { wipe } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import type { IpFamily } from '../ip.ts';
import { generatePrivateKey, type PrivateKey } from '../keys.ts';
import { createInitiation, createResponse, type Handshake, type RemoteStatic } from '../noise/handshake.ts';
import type { Peer } from '../peer/peer.ts';
import { createKeypair, type Keypair } from '../transport/keypair.ts';
import { sealTransport } from '../transport/transport-data.ts';
import { drop, type DeviceContext, type IndexEntry } from './context.ts';
import { HEADROOM, TAILROOM } from './contract.ts';
import { NOT_ECT, readEcn } from './ecn.ts';
import { destinationOffset, IPV4_HEADER_BYTES, packetFamily } from './inner-packet.ts';
import { createUnreachable, mayAnswerUnreachable } from './unreachable.ts';

/** A packet from the TUN, sealed in place when it can be sent at once. */
export function sendPacket(
  device: DeviceContext,
  buffer: Uint8Array,
  offset: number,
  length: number,
  now: MonotonicMs,
): void {
  const family = packetFamily(buffer, offset, length);
  if (family === 0) return drop(device, length < IPV4_HEADER_BYTES ? 'packet-too-short' : 'bad-inner-packet');
  const peer = device.allowedIps.lookup(family, buffer, destinationOffset(family, offset));
  if (peer?.endpoint === undefined) {
    answerUnreachable(device, family, buffer, offset, length, now);
    return drop(device, peer === undefined ? 'no-route' : 'no-endpoint');
  }
  if (peer.remote === undefined) return drop(device, device.identity === undefined ? 'no-private-key' : 'bad-peer-key');

  // Nothing is staged while there is a keypair to send with: whoever installs one flushes. So packets keep their order.
  const keypair = peer.sendingKeypair(now);
  if (keypair !== undefined) {
    seal(device, peer, keypair, buffer, offset, length, now);
    return;
  }
  if (!peer.staged.push(buffer, offset, length)) drop(device, 'queue-full');
  initiate(device, peer, now);
}

/** Sends what is staged, or starts the handshake that it waits for. */
export function flushStaged(device: DeviceContext, peer: Peer, now: MonotonicMs): void {
  if (peer.staged.length === 0 || peer.endpoint === undefined) return;
  const keypair = peer.sendingKeypair(now);
  if (keypair === undefined) return initiate(device, peer, now);
  for (let packet = peer.staged.shift(); packet !== undefined; packet = peer.staged.shift())
    seal(device, peer, keypair, packet.buffer, packet.offset, packet.length, now);
}

/** An empty message, unless something is staged, which says "still here" as well. */
export function sendKeepalive(device: DeviceContext, peer: Peer, now: MonotonicMs): void {
  if (peer.staged.length > 0) return flushStaged(device, peer, now);
  const keypair = peer.sendingKeypair(now);
  if (keypair === undefined || peer.endpoint === undefined) return initiate(device, peer, now);
  seal(device, peer, keypair, new Uint8Array(HEADROOM + TAILROOM), HEADROOM, 0, now);
}

/** To every peer that has asked for them, at once. */
export function sendPersistentKeepalives(device: DeviceContext, now: MonotonicMs): void {
  for (const peer of device.peers.values()) if (peer.persistentKeepalive > 0) sendKeepalive(device, peer, now);
}

/** There is a reason for a new keypair: starts a handshake, as soon as Rekey-Timeout lets it. */
export function initiate(device: DeviceContext, peer: Peer, now: MonotonicMs): void {
  peer.startAttempt(now);
  if (peer.mayInitiate(now)) return sendInitiation(device, peer, now);
  if (peer.timers.isHandshakePending()) return;
  peer.timers.handshakeInitiated(peer.handshakeSentAt);
  device.deadlines.update(peer);
}

/** 5.4.2. Nothing happens while the peer has no endpoint or this host no key. */
export function sendInitiation(device: DeviceContext, peer: Peer, now: MonotonicMs): void {
  const { crypto, identity, random } = device;
  const { remote } = peer;
  if (identity === undefined || remote === undefined || peer.endpoint === undefined) return;

  const index = device.indices.allocate({ peer, keypair: undefined });
  const ephemeralPrivate = generatePrivateKey(random);
  const timestamp = peer.timestamps.next(device.forwardClock.read(now));
  const input = { senderIndex: index, ephemeralPrivate, timestamp };
  const { message, handshake } = createInitiation(crypto, identity, remote, input);
  logKeys(device, remote, ephemeralPrivate);
  wipe(ephemeralPrivate);

  peer.setInitiation(index, handshake, remote, now);
  sendHandshakeMessage(device, peer, remote, message, now);
  device.observe('initiation-sent', peer.publicKey);
  peer.timers.handshakeInitiated(now);
  device.deadlines.update(peer);
}

/** 5.4.3. The new keypair is `next` until the initiator has used it. */
export function sendResponse(
  device: DeviceContext,
  peer: Peer,
  remote: RemoteStatic,
  handshake: Handshake,
  now: MonotonicMs,
): void {
  const entry: IndexEntry = { peer, keypair: undefined };
  const localIndex = device.indices.allocate(entry);
  const ephemeralPrivate = generatePrivateKey(device.random);
  const input = { senderIndex: localIndex, ephemeralPrivate };
  const { message, keys, remoteIndex } = createResponse(device.crypto, handshake, remote, input);
  logKeys(device, remote, ephemeralPrivate);
  wipe(ephemeralPrivate);

  const keypair = createKeypair(device.crypto, keys, {
    localIndex,
    remoteIndex,
    isInitiator: false,
    createdAt: now,
    counter: device.plane?.createCounter(),
  });
  entry.keypair = keypair;
  peer.keypairs.addAsResponder(keypair);
  device.plane?.peerChanged(peer);
  peer.timers.keysDerived(now);
  peer.handshakeSent(now);
  sendHandshakeMessage(device, peer, remote, message, now);
  device.observe('response-sent', peer.publicKey);
  device.deadlines.update(peer);
}

function sendHandshakeMessage(
  device: DeviceContext,
  peer: Peer,
  remote: RemoteStatic,
  message: Uint8Array,
  now: MonotonicMs,
): void {
  peer.cookies.writeMacs(device.crypto, remote, message, now);
  emit(device, peer, message, 0, message.length, NOT_ECT, now);
}

/** Seals a packet (a keepalive when it is empty) where it lies, and rekeys when the keypair is old. */
function seal(
  device: DeviceContext,
  peer: Peer,
  keypair: Keypair,
  buffer: Uint8Array,
  offset: number,
  length: number,
  now: MonotonicMs,
): void {
  const family = packetFamily(buffer, offset, length);
  const ecn = family === 0 ? NOT_ECT : readEcn(family, buffer, offset); // before it is ciphertext
  const datagramLength = sealTransport(keypair, buffer, offset, length, device.mtu);
  if (datagramLength < 0) return drop(device, 'stale-keypair');
  emit(device, peer, buffer, offset - HEADROOM, datagramLength, ecn, now);
  if (length > 0) peer.timers.dataSent(now);
  device.deadlines.update(peer);
  if (peer.wantsRekeyOnSend(keypair, now)) initiate(device, peer, now);
}

function emit(
  device: DeviceContext,
  peer: Peer,
  buffer: Uint8Array,
  offset: number,
  length: number,
  ecn: number,
  now: MonotonicMs,
): void {
  if (peer.endpoint === undefined) return; // whoever called has looked
  peer.txBytes += length;
  peer.timers.messageSent(now);
  device.outputs.datagram(buffer, offset, length, peer.endpoint, ecn, peer);
}

function answerUnreachable(
  device: DeviceContext,
  family: IpFamily,
  buffer: Uint8Array,
  offset: number,
  length: number,
  now: MonotonicMs,
): void {
  const packet = buffer.subarray(offset, offset + length);
  if (!mayAnswerUnreachable(family, packet) || !device.unreachableLimit.take(now)) return;
  const answer = createUnreachable(family, packet);
  device.outputs.packet(answer, 0, answer.length);
}

function logKeys(device: DeviceContext, remote: RemoteStatic, localEphemeralPrivate: PrivateKey): void {
  if (device.keyLog === undefined || device.identity === undefined) return;
  device.keyLog({
    localStaticPrivate: device.identity.privateKey,
    remoteStaticPublic: remote.publicKey,
    localEphemeralPrivate,
    presharedKey: remote.presharedKey,
  });
}
