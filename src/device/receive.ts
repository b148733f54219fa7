/**
 * The way in: what a datagram is, whether it is worth an answer at all, and what every authentic message does.
 *
 * The order of the checks is the protocol's defence, cheapest first: length and type, MAC1, under load MAC2 (or a cookie
 * reply) and the rate of its address, and only then curve arithmetic. Whoever does not know our public key gets no answer.
 */
import type { MonotonicMs } from '../clock.ts';
import { verifyMac1 } from '../noise/cookie.ts';
import type { StaticKeys } from '../noise/handshake.ts';
import {
  COOKIE_REPLY_BYTES,
  cookieReplyReceiverIndex,
  INITIATION_BYTES,
  messageType,
  RESPONSE_BYTES,
  TRANSPORT_MIN_BYTES,
  TYPE_COOKIE_REPLY,
  TYPE_INITIATION,
  TYPE_RESPONSE,
  TYPE_TRANSPORT,
} from '../noise/messages.ts';
import { Endpoint } from '../peer/endpoint.ts';
import { drop, type DeviceContext } from './context.ts';
import { NOT_ECT } from './ecn.ts';
import { receiveInitiation, receiveResponse } from './receive-handshake.ts';
import { receiveTransport } from './receive-transport.ts';

/** One datagram from the socket, opened in place. Hostile bytes end as a counted drop. */
export function receiveDatagram(
  device: DeviceContext,
  buffer: Uint8Array,
  offset: number,
  length: number,
  from: Endpoint,
  ecn: number,
  now: MonotonicMs,
): void {
  switch (messageType(buffer, offset, length)) {
    case TYPE_TRANSPORT:
      if (length < TRANSPORT_MIN_BYTES) return drop(device, 'bad-length');
      return receiveTransport(device, buffer, offset, length, from, ecn, now);
    case TYPE_INITIATION:
      if (length !== INITIATION_BYTES) return drop(device, 'bad-length');
      return receiveHandshake(device, buffer.subarray(offset, offset + length), from, now);
    case TYPE_RESPONSE:
      if (length !== RESPONSE_BYTES) return drop(device, 'bad-length');
      return receiveHandshake(device, buffer.subarray(offset, offset + length), from, now);
    case TYPE_COOKIE_REPLY:
      if (length !== COOKIE_REPLY_BYTES) return drop(device, 'bad-length');
      return receiveCookieReply(device, buffer.subarray(offset, offset + length), now);
    default:
      return drop(device, length < TRANSPORT_MIN_BYTES ? 'bad-length' : 'unknown-type');
  }
}

/** Initiations and responses, up to the point where they cost a DH. */
function receiveHandshake(device: DeviceContext, message: Uint8Array, from: Endpoint, now: MonotonicMs): void {
  const { identity } = device;
  if (identity === undefined) return drop(device, 'no-private-key');
  if (!verifyMac1(device.crypto, identity, message)) return drop(device, 'bad-mac1');
  if (device.isUnderLoad(now)) {
    if (!device.cookieChecker.verifyMac2(message, from, now)) return askForCookie(device, identity, message, from, now);
    // 5.3: only now is the address proved. A limit before that would let others use up an address they do not have.
    if (!device.rateLimiter.allow(from, now)) return drop(device, 'rate-limited');
  }
  if (message.length === INITIATION_BYTES) receiveInitiation(device, identity, message, from, now);
  else receiveResponse(device, identity, message, from, now);
}

function askForCookie(
  device: DeviceContext,
  identity: StaticKeys,
  message: Uint8Array,
  from: Endpoint,
  now: MonotonicMs,
): void {
  // A reply costs as much as some packets, and whoever knows our public key could have as many as the line carries.
  if (!device.cookieReplyLimit.take(now)) return drop(device, 'cookie-limited');
  const reply = device.cookieChecker.createReply(identity, message, from, now);
  const to = new Endpoint();
  to.copyFrom(from);
  device.outputs.datagram(reply, 0, reply.length, to, NOT_ECT);
  drop(device, 'under-load');
}

/** 5.4.7. Kept for the next handshake message; it is not authenticated by a session, so it moves no endpoint. */
function receiveCookieReply(device: DeviceContext, message: Uint8Array, now: MonotonicMs): void {
  const peer = device.indices.get(cookieReplyReceiverIndex(message))?.peer;
  if (peer?.remote === undefined) return drop(device, 'unknown-index');
  if (!peer.cookies.consumeReply(device.crypto, peer.remote, message, now)) return drop(device, 'bad-tag');
  device.observe('cookie-received', peer.publicKey);
}
