/**
 * Transport data, section 5.4.6: an IP packet, zero padding, a tag, and 16 bytes of header before them. Sealed and opened in
 * place, so that a packet is never copied between the TUN and the socket:
 *
 *   seal:   [ 16 free | packet | up to 15 + 16 free ]  ->  [ header | ciphertext of packet and padding | tag ]
 *   open:   [ header | ciphertext | tag ]              ->  [ header | packet and padding | rubbish ]
 *
 * Age limits of the keypair are the caller's business, as time is; counters are checked here.
 */
import { TAG_BYTES } from '../crypto/port.ts';
import { PADDING_MULTIPLE, REJECT_AFTER_MESSAGES } from '../noise/constants.ts';
import {
  TRANSPORT_HEADER_BYTES,
  TRANSPORT_MIN_BYTES,
  transportCounter,
  writeTransportHeader,
} from '../noise/messages.ts';
import type { Keypair } from './keypair.ts';

/** Why `openTransport` gave no packet; `sealTransport` gives COUNTER_EXHAUSTED too. All are negative. */
export const BAD_TAG = -1;
export const REPLAYED = -2;
export const COUNTER_EXHAUSTED = -3;
export const BAD_LENGTH = -4;

/**
 * Seals the `length` bytes at `offset` (0: a keepalive) and writes the header before them. The whole datagram then starts at
 * `offset - 16`; its length is returned, or COUNTER_EXHAUSTED. Needs 16 bytes before and 31 behind.
 */
export function sealTransport(
  keypair: Keypair,
  buffer: Uint8Array,
  offset: number,
  length: number,
  mtu: number,
): number {
  if (keypair.counter.sent >= keypair.counter.limit) return COUNTER_EXHAUSTED;
  const padded = paddedLength(length, mtu);
  const start = offset - TRANSPORT_HEADER_BYTES;
  if (start < 0 || offset + padded + TAG_BYTES > buffer.length)
    throw new RangeError(`"buffer" expected room for ${padded} bytes with header and tag at ${offset}`);
  const counter = keypair.counter.take();
  buffer.fill(0, offset + length, offset + padded);
  keypair.send.seal(counter, buffer, offset, padded);
  writeTransportHeader(buffer, start, keypair.remoteIndex, counter);
  return TRANSPORT_HEADER_BYTES + padded + TAG_BYTES;
}

/**
 * Opens the datagram of `length` bytes at `offset`. The packet with its padding is then at `offset + 16`; its length is
 * returned (0: a keepalive), or one of the negative reasons above.
 */
export function openTransport(keypair: Keypair, buffer: Uint8Array, offset: number, length: number): number {
  if (length < TRANSPORT_MIN_BYTES) return BAD_LENGTH;
  const counter = transportCounter(buffer, offset);
  if (counter >= REJECT_AFTER_MESSAGES) return COUNTER_EXHAUSTED;
  const plaintext = length - TRANSPORT_HEADER_BYTES - TAG_BYTES;
  if (!keypair.receive.open(counter, buffer, offset + TRANSPORT_HEADER_BYTES, plaintext)) return BAD_TAG;
  // After authentication only: a forged counter must not move the window.
  return keypair.replayWindow.accept(counter) ? plaintext : REPLAYED;
}

/** A multiple of 16, but not past the MTU; a packet that is longer than the MTU already gets none. */
export function paddedLength(length: number, mtu: number): number {
  const rounded = Math.ceil(length / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return Math.max(length, Math.min(rounded, mtu));
}
