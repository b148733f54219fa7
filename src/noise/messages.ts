/**
 * The four messages of section 5.4: their types, lengths and field offsets. Integers are little endian; a message is a
 * Uint8Array of exactly its own length, except transport data, which is handled in place (transport/transport-data.ts).
 *
 *   initiation     type 1 | sender 4 | ephemeral 32 | static 32+16 | timestamp 12+16 | mac1 16 | mac2 16      148
 *   response       type 2 | sender 4 | receiver 4 | ephemeral 32 | nothing 0+16 | mac1 16 | mac2 16            92
 *   cookie reply   type 3 | receiver 4 | nonce 24 | cookie 16+16                                               64
 *   data           type 4 | receiver 4 | counter 8 | packet n+16                                            32 + n
 *
 * `type` is one byte and three reserved zero bytes; read as one integer, so that a reserved byte that is not zero makes an
 * unknown type.
 */
import { readUint32LE, readUint64LE, writeUint32LE, writeUint64LE } from '../bytes.ts';

export const TYPE_INITIATION = 1;
export const TYPE_RESPONSE = 2;
export const TYPE_COOKIE_REPLY = 3;
export const TYPE_TRANSPORT = 4;

export const INITIATION_BYTES = 148;
export const RESPONSE_BYTES = 92;
export const COOKIE_REPLY_BYTES = 64;
export const TRANSPORT_HEADER_BYTES = 16;
/** A keepalive: the header and the tag of nothing. */
export const TRANSPORT_MIN_BYTES = 32;

const MAC_BYTES = 16;
/** MAC1 and MAC2 are the last 32 bytes of both handshake messages. */
const MACS_BYTES = 2 * MAC_BYTES;
export const TIMESTAMP_BYTES = 12;
export const COOKIE_NONCE_BYTES = 24;

const SENDER = 4;
const RESPONSE_RECEIVER = 8;
const RECEIVER = 4;
const COUNTER = 8;

/** The type of any datagram, with its reserved bytes; 0 when it is too short to have one. */
export function messageType(buffer: Uint8Array, offset: number, length: number): number {
  return length < 4 ? 0 : readUint32LE(buffer, offset);
}

/** Views into an initiation: writing to them writes the message. */
export interface InitiationFields {
  readonly ephemeral: Uint8Array;
  readonly sealedStatic: Uint8Array;
  readonly sealedTimestamp: Uint8Array;
}

export function initiationFields(message: Uint8Array): InitiationFields {
  return {
    ephemeral: message.subarray(8, 40),
    sealedStatic: message.subarray(40, 88),
    sealedTimestamp: message.subarray(88, 116),
  };
}

/** Views into a response. */
export interface ResponseFields {
  readonly ephemeral: Uint8Array;
  readonly sealedNothing: Uint8Array;
}

export function responseFields(message: Uint8Array): ResponseFields {
  return { ephemeral: message.subarray(12, 44), sealedNothing: message.subarray(44, 60) };
}

/** Views into a cookie reply. */
export interface CookieReplyFields {
  readonly nonce: Uint8Array;
  readonly sealedCookie: Uint8Array;
}

export function cookieReplyFields(message: Uint8Array): CookieReplyFields {
  return { nonce: message.subarray(8, 32), sealedCookie: message.subarray(32, 64) };
}

/** Views into the end of an initiation or response, and of what each MAC covers. */
export interface MacFields {
  readonly mac1: Uint8Array;
  readonly coveredByMac1: Uint8Array;
  readonly mac2: Uint8Array;
  readonly coveredByMac2: Uint8Array;
}

export function macFields(message: Uint8Array): MacFields {
  return {
    mac1: message.subarray(-MACS_BYTES, -MAC_BYTES),
    coveredByMac1: message.subarray(0, -MACS_BYTES),
    mac2: message.subarray(-MAC_BYTES),
    coveredByMac2: message.subarray(0, -MAC_BYTES),
  };
}

export function newInitiation(senderIndex: number): Uint8Array {
  const message = new Uint8Array(INITIATION_BYTES);
  writeUint32LE(message, 0, TYPE_INITIATION);
  writeUint32LE(message, SENDER, senderIndex);
  return message;
}

export function newResponse(senderIndex: number, receiverIndex: number): Uint8Array {
  const message = new Uint8Array(RESPONSE_BYTES);
  writeUint32LE(message, 0, TYPE_RESPONSE);
  writeUint32LE(message, SENDER, senderIndex);
  writeUint32LE(message, RESPONSE_RECEIVER, receiverIndex);
  return message;
}

export function newCookieReply(receiverIndex: number): Uint8Array {
  const message = new Uint8Array(COOKIE_REPLY_BYTES);
  writeUint32LE(message, 0, TYPE_COOKIE_REPLY);
  writeUint32LE(message, RECEIVER, receiverIndex);
  return message;
}

/** Sender index of an initiation or response. */
export function senderIndex(message: Uint8Array): number {
  return readUint32LE(message, SENDER);
}

/** Receiver index of a response: which of our initiations it answers. */
export function responseReceiverIndex(message: Uint8Array): number {
  return readUint32LE(message, RESPONSE_RECEIVER);
}

/** Receiver index of a cookie reply: the sender index of the message that it answers. */
export function cookieReplyReceiverIndex(message: Uint8Array): number {
  return readUint32LE(message, RECEIVER);
}

export function writeTransportHeader(buffer: Uint8Array, offset: number, receiverIndex: number, counter: number): void {
  writeUint32LE(buffer, offset, TYPE_TRANSPORT);
  writeUint32LE(buffer, offset + RECEIVER, receiverIndex);
  writeUint64LE(buffer, offset + COUNTER, counter);
}

/** Receiver index of transport data: which keypair it is under. */
export function transportReceiverIndex(buffer: Uint8Array, offset: number): number {
  return readUint32LE(buffer, offset + RECEIVER);
}

/** Exact up to 2^53; anything above comes back above. */
export function transportCounter(buffer: Uint8Array, offset: number): number {
  return readUint64LE(buffer, offset + COUNTER);
}
