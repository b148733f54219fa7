/** The layouts of section 5.4, against the offsets written out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readUint32LE } from '../../src/bytes.ts';
import {
  COOKIE_REPLY_BYTES,
  cookieReplyFields,
  cookieReplyReceiverIndex,
  INITIATION_BYTES,
  initiationFields,
  macFields,
  messageType,
  newCookieReply,
  newInitiation,
  newResponse,
  RESPONSE_BYTES,
  responseFields,
  responseReceiverIndex,
  senderIndex,
  transportCounter,
  transportReceiverIndex,
  TYPE_COOKIE_REPLY,
  TYPE_INITIATION,
  TYPE_RESPONSE,
  TYPE_TRANSPORT,
  writeTransportHeader,
} from '../../src/noise/messages.ts';

const index = fc.nat({ max: 0xffff_ffff });

test('the lengths are those of the paper', () => {
  assert.deepEqual([INITIATION_BYTES, RESPONSE_BYTES, COOKIE_REPLY_BYTES], [148, 92, 64]);
});

test('the fields of an initiation lie side by side and fill it', () => {
  const message = newInitiation(0);
  const fields = initiationFields(message);
  const { mac1, mac2 } = macFields(message);
  assertTiling(message, 8, [fields.ephemeral, fields.sealedStatic, fields.sealedTimestamp, mac1, mac2]);
  assert.deepEqual([fields.ephemeral.length, fields.sealedStatic.length, fields.sealedTimestamp.length], [32, 48, 28]);
});

test('the fields of a response lie side by side and fill it', () => {
  const message = newResponse(0, 0);
  const fields = responseFields(message);
  const { mac1, mac2 } = macFields(message);
  assertTiling(message, 12, [fields.ephemeral, fields.sealedNothing, mac1, mac2]);
  assert.deepEqual([fields.ephemeral.length, fields.sealedNothing.length], [32, 16]);
});

test('the fields of a cookie reply lie side by side and fill it', () => {
  const message = newCookieReply(0);
  const fields = cookieReplyFields(message);
  assertTiling(message, 8, [fields.nonce, fields.sealedCookie]);
  assert.deepEqual([fields.nonce.length, fields.sealedCookie.length], [24, 32]);
});

test('MAC1 covers what is before it, MAC2 covers MAC1 too', () => {
  const fields = macFields(newInitiation(0));
  assert.equal(fields.coveredByMac1.length, 116);
  assert.equal(fields.coveredByMac2.length, 132);
});

test('type and indices are read back as they were written, little endian', () => {
  fc.assert(
    fc.property(index, index, (sender, receiver) => {
      const initiation = newInitiation(sender);
      assert.equal(messageType(initiation, 0, initiation.length), TYPE_INITIATION);
      assert.equal(senderIndex(initiation), sender);
      assert.equal(readUint32LE(initiation, 4), sender);

      const response = newResponse(sender, receiver);
      assert.equal(messageType(response, 0, response.length), TYPE_RESPONSE);
      assert.equal(senderIndex(response), sender);
      assert.equal(responseReceiverIndex(response), receiver);
      assert.equal(readUint32LE(response, 8), receiver);

      const reply = newCookieReply(receiver);
      assert.equal(messageType(reply, 0, reply.length), TYPE_COOKIE_REPLY);
      assert.equal(cookieReplyReceiverIndex(reply), receiver);
    }),
  );
});

test('a transport header is read back at any offset, with counters beyond 32 bits', () => {
  fc.assert(
    fc.property(index, fc.maxSafeNat(), fc.nat({ max: 20 }), (receiver, counter, offset) => {
      const buffer = new Uint8Array(offset + 16);
      writeTransportHeader(buffer, offset, receiver, counter);
      assert.equal(messageType(buffer, offset, 16), TYPE_TRANSPORT);
      assert.equal(transportReceiverIndex(buffer, offset), receiver);
      assert.equal(transportCounter(buffer, offset), counter);
      assert.equal(new DataView(buffer.buffer).getBigUint64(offset + 8, true), BigInt(counter));
    }),
  );
});

test('a reserved byte that is not zero makes an unknown type, and so does a datagram too short for one', () => {
  const message = newInitiation(1);
  message[2] = 1;
  assert.notEqual(messageType(message, 0, message.length), TYPE_INITIATION);
  assert.equal(messageType(Uint8Array.of(1, 0, 0), 0, 3), 0);
  assert.equal(messageType(new Uint8Array(0), 0, 0), 0);
});

function assertTiling(message: Uint8Array, start: number, fields: readonly Uint8Array[]): void {
  let offset = start;
  for (const field of fields) {
    assert.equal(field.buffer, message.buffer);
    assert.equal(field.byteOffset, offset);
    offset += field.length;
  }
  assert.equal(offset, message.length);
}
