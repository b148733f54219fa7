/** Transport data in place: padding, counters, replays and tampering. Section 5.4.6. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { isZero, writeUint64LE } from '../../src/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { HEADROOM, TAILROOM } from '../../src/device/contract.ts';
import { REJECT_AFTER_MESSAGES } from '../../src/noise/constants.ts';
import { messageType, transportReceiverIndex, TYPE_TRANSPORT } from '../../src/noise/messages.ts';
import { countFrom, createKeypair, destroyKeypair, type Keypair } from '../../src/transport/keypair.ts';
import {
  BAD_LENGTH,
  BAD_TAG,
  COUNTER_EXHAUSTED,
  openTransport,
  REPLAYED,
  sealTransport,
} from '../../src/transport/transport-data.ts';
import { completeHandshake, INITIATOR_INDEX, RESPONDER_INDEX } from '../noise/pair.ts';

const MTU = 1420;
const OVERHEAD = 32;

describe('a sealed packet', () => {
  test('comes out of the other end with its padding, whatever its length, offset and the MTU', () => {
    const { initiator, responder } = keypairs();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 2000, size: 'max' }),
        fc.nat({ max: 40 }),
        fc.integer({ min: 1280, max: 2000 }),
        check,
      ),
    );
    function check(packet: Uint8Array, slack: number, mtu: number): void {
      for (const [sender, receiver] of [
        [initiator, responder],
        [responder, initiator],
      ] as const) {
        const { buffer, offset, length } = seal(sender, packet, { slack, mtu });
        const opened = openTransport(receiver, buffer, offset, length);
        assert.ok(opened >= packet.length && opened < packet.length + 16);
        assert.deepEqual(buffer.slice(offset + 16, offset + 16 + packet.length), packet);
        assert.ok(isZero(buffer.subarray(offset + 16 + packet.length, offset + 16 + opened)));
      }
    }
  });

  test('is padded to 16 bytes, but never past the MTU', () => {
    const { initiator } = keypairs();
    for (const [length, mtu, padded] of [
      [0, MTU, 0],
      [1, MTU, 16],
      [16, MTU, 16],
      [17, MTU, 32],
      [1408, MTU, 1408],
      [1409, MTU, 1420],
      [1420, MTU, 1420],
      [1421, MTU, 1421], // read before the MTU was made smaller
      [9000, MTU, 9000],
      [65_455, 65_455, 65_455],
    ] as const)
      assert.equal(seal(initiator, new Uint8Array(length), { mtu }).length, padded + OVERHEAD, `${length} bytes`);
  });

  test('stays within the headroom and tailroom that the device promises', () => {
    const { initiator } = keypairs();
    for (let length = 0; length <= 64; length++) {
      const buffer = new Uint8Array(HEADROOM + length + TAILROOM + 8).fill(0xee);
      const datagram = sealTransport(initiator, buffer, HEADROOM, length, MTU);
      assert.ok(datagram <= HEADROOM + length + TAILROOM);
      assert.ok(buffer.subarray(datagram).every((byte) => byte === 0xee));
    }
  });

  test('does not leak what was in the buffer behind it as padding', () => {
    const { initiator, responder } = keypairs();
    const buffer = new Uint8Array(100).fill(0xee);
    const length = sealTransport(initiator, buffer, HEADROOM, 3, MTU);
    assert.equal(openTransport(responder, buffer, 0, length), 16);
    assert.ok(isZero(buffer.subarray(HEADROOM + 3, HEADROOM + 16)));
  });

  test('starts with its type, the receiver’s index and a counter that goes up by one', () => {
    const { initiator, responder } = keypairs();
    for (let i = 0; i < 3; i++) {
      const { buffer, offset, length } = seal(initiator, Uint8Array.of(1));
      assert.equal(messageType(buffer, offset, length), TYPE_TRANSPORT);
      assert.equal(transportReceiverIndex(buffer, offset), responder.localIndex);
      assert.equal(new DataView(buffer.buffer).getBigUint64(offset + 8, true), BigInt(i));
    }
    assert.equal(initiator.counter.sent, 3);
  });

  test('needs room before and behind it, or nothing is written and no counter is used', () => {
    const { initiator } = keypairs();
    const buffer = new Uint8Array(64);
    assert.throws(() => sealTransport(initiator, buffer, 15, 10, MTU), RangeError);
    assert.throws(() => sealTransport(initiator, buffer, 16, 33, MTU), RangeError);
    assert.equal(initiator.counter.sent, 0);
    assert.ok(isZero(buffer));
  });
});

test('a keepalive is 32 bytes and opens to nothing', () => {
  const { initiator, responder } = keypairs();
  const { buffer, offset, length } = seal(initiator, new Uint8Array(0));
  assert.equal(length, 32);
  assert.equal(openTransport(responder, buffer, offset, length), 0);
});

describe('a datagram is refused', () => {
  test('the second time', () => {
    const { initiator, responder } = keypairs();
    const { buffer, offset, length } = seal(initiator, Uint8Array.of(1, 2, 3));
    const copy = buffer.slice();
    assert.equal(openTransport(responder, buffer, offset, length), 16);
    assert.equal(openTransport(responder, copy, offset, length), REPLAYED);
  });

  test('with any byte of its counter, packet or tag changed, and the genuine one still opens', () => {
    const { initiator, responder } = keypairs();
    const { buffer, offset, length } = seal(initiator, new TextEncoder().encode('an inner packet'));
    for (let i = 8; i < length; i++) {
      const forged = buffer.slice();
      forged[offset + i]! ^= 1;
      // The last byte of the counter puts it past the limit, which is looked at first.
      assert.equal(
        openTransport(responder, forged, offset, length),
        i === 15 ? COUNTER_EXHAUSTED : BAD_TAG,
        `byte ${i}`,
      );
    }
    assert.equal(openTransport(responder, buffer, offset, length), 16);
  });

  test('with a forged counter far ahead, which does not move the window', () => {
    const { initiator, responder } = keypairs();
    const genuine = seal(initiator, Uint8Array.of(1));
    const forged = genuine.buffer.slice();
    writeUint64LE(forged, genuine.offset + 8, 2 ** 52);
    assert.equal(openTransport(responder, forged, genuine.offset, genuine.length), BAD_TAG);
    assert.equal(openTransport(responder, genuine.buffer, genuine.offset, genuine.length), 16);
  });

  test('shorter than header and tag', () => {
    const { responder } = keypairs();
    for (let length = 0; length < 32; length++)
      assert.equal(openTransport(responder, new Uint8Array(64), 0, length), BAD_LENGTH);
  });

  test('cut short by any number of bytes', () => {
    const { initiator, responder } = keypairs();
    const { buffer, offset, length } = seal(initiator, new Uint8Array(100));
    for (let cut = 32; cut < length; cut++)
      assert.equal(openTransport(responder, buffer.slice(), offset, cut), BAD_TAG, `${cut} bytes`);
  });

  test('sent back to its sender', () => {
    const { initiator } = keypairs();
    const { buffer, offset, length } = seal(initiator, Uint8Array.of(1));
    assert.equal(openTransport(initiator, buffer, offset, length), BAD_TAG);
  });
});

describe('the counter of a keypair', () => {
  test('goes through 2^32 without a nonce used twice', () => {
    const { initiator, responder } = keypairs();
    const first = seal(initiator, Uint8Array.of(7));
    const later = { ...initiator, counter: countFrom(2 ** 32 - 1) };
    const sealed = [0, 1, 2].map(() => seal(later, Uint8Array.of(7)));
    const bodies = [first, ...sealed].map(({ buffer, offset, length }) =>
      String(buffer.slice(offset + 16, offset + length)),
    );
    assert.equal(new Set(bodies).size, 4);
    for (const { buffer, offset, length } of [first, ...sealed].reverse())
      assert.equal(
        openTransport(responder, buffer, offset, length),
        buffer === first.buffer ? REPLAYED : 16,
        'only the first is too old by then',
      );
  });

  test('is refused at its limit: nothing is sealed any more', () => {
    const { initiator: fresh, responder } = keypairs();
    const initiator = { ...fresh, counter: countFrom(REJECT_AFTER_MESSAGES - 1) };
    const { buffer, offset, length } = seal(initiator, Uint8Array.of(1));
    assert.equal(openTransport(responder, buffer, offset, length), 16);
    const untouched = new Uint8Array(64);
    assert.equal(sealTransport(initiator, untouched, HEADROOM, 1, MTU), COUNTER_EXHAUSTED);
    assert.ok(isZero(untouched));
  });

  test('is refused at its limit and beyond when received', () => {
    const { initiator, responder } = keypairs();
    const { buffer, offset, length } = seal(initiator, Uint8Array.of(1));
    const view = new DataView(buffer.buffer);
    for (const counter of [2n ** 53n, 2n ** 53n + 1n, 2n ** 60n, 2n ** 64n - 2n ** 13n, 2n ** 64n - 1n]) {
      view.setBigUint64(offset + 8, counter, true);
      assert.equal(openTransport(responder, buffer, offset, length), COUNTER_EXHAUSTED);
    }
  });
});

test('the transport keys are wiped once the keypair has them, and a destroyed keypair is of no use', () => {
  const keys = completeHandshake().initiator;
  const keypair = createKeypair(nobleCrypto, keys, {
    localIndex: 1,
    remoteIndex: 2,
    isInitiator: true,
    createdAt: 0,
  });
  assert.ok(isZero(keys.send) && isZero(keys.receive));
  destroyKeypair(keypair);
  assert.throws(() => seal(keypair, Uint8Array.of(1)), /destroyed/);
  assert.throws(() => openTransport(keypair, new Uint8Array(64), 0, 64), /destroyed/);
});

function keypairs(): { initiator: Keypair; responder: Keypair } {
  const keys = completeHandshake();
  return {
    initiator: createKeypair(nobleCrypto, keys.initiator, {
      localIndex: INITIATOR_INDEX,
      remoteIndex: RESPONDER_INDEX,
      isInitiator: true,
      createdAt: 0,
    }),
    responder: createKeypair(nobleCrypto, keys.responder, {
      localIndex: RESPONDER_INDEX,
      remoteIndex: INITIATOR_INDEX,
      isInitiator: false,
      createdAt: 0,
    }),
  };
}

/** A buffer with `packet` sealed in it; the datagram is at `offset`. */
function seal(
  keypair: Keypair,
  packet: Uint8Array,
  { slack = 0, mtu = MTU } = {},
): { buffer: Uint8Array; offset: number; length: number } {
  const buffer = new Uint8Array(slack + HEADROOM + packet.length + TAILROOM);
  buffer.set(packet, slack + HEADROOM);
  const length = sealTransport(keypair, buffer, slack + HEADROOM, packet.length, mtu);
  assert.ok(length > 0);
  return { buffer, offset: slack, length };
}
