/** ICMP and ICMPv6 "destination unreachable": what is answered, what must not be, and that the checksums hold. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { concatBytes, readUint16BE, writeUint16BE } from '../../src/bytes.ts';
import { packetFamily } from '../../src/device/inner-packet.ts';
import { createUnreachable, mayAnswerUnreachable } from '../../src/device/unreachable.ts';
import { addressFromBytes, formatAddress } from '../../src/ip.ts';
import { createPacket, foldedSum } from '../simulation/packets.ts';

const FOUR = { from: '10.0.0.1', to: '10.0.0.2' };
const SIX = { from: 'fd00::1', to: 'fd00::2' };

function answerTo(packet: Uint8Array): Uint8Array | undefined {
  const family = packetFamily(packet, 0, packet.length);
  assert.ok(family !== 0);
  return mayAnswerUnreachable(family, packet) ? createUnreachable(family, packet) : undefined;
}

function edited(packet: Uint8Array, edit: (packet: Uint8Array) => void): Uint8Array {
  edit(packet);
  return packet;
}

function pseudoHeader6(packet: Uint8Array): Uint8Array {
  const rest = new Uint8Array(8);
  writeUint16BE(rest, 2, packet.length - 40);
  rest[7] = packet[6]!;
  return concatBytes(packet.subarray(8, 40), rest);
}

describe('unreachable over IPv4', () => {
  it('says host unreachable to the sender, from the address it wrote to, and quotes the packet', () => {
    const packet = createPacket({ ...FOUR, bytes: 100 });
    const answer = answerTo(packet)!;
    assert.equal(formatAddress(addressFromBytes(answer.slice(12, 16))), FOUR.to);
    assert.equal(formatAddress(addressFromBytes(answer.slice(16, 20))), FOUR.from);
    assert.deepEqual([...answer.subarray(20, 22)], [3, 1]);
    assert.deepEqual(answer.subarray(28), packet);
    assert.equal(readUint16BE(answer, 2), answer.length);
  });

  it('is never longer than 576 bytes', () => {
    assert.equal(answerTo(createPacket({ ...FOUR, bytes: 1400 }))!.length, 576);
  });

  it('has right checksums whatever it quotes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 700 }), (payload) => {
        const packet = concatBytes(createPacket({ ...FOUR, bytes: 20 }), payload);
        const answer = answerTo(packet)!;
        assert.equal(foldedSum(answer.subarray(0, 20)), 0xffff);
        assert.equal(foldedSum(answer.subarray(20)), 0xffff);
      }),
    );
  });

  it('answers a ping but not an ICMP error', () => {
    const icmp = (type: number) =>
      edited(createPacket(FOUR), (packet) => {
        packet.set([1], 9);
        packet.set([type], 20);
      });
    assert.ok(answerTo(icmp(8)));
    for (const type of [3, 4, 5, 11, 12, 40]) assert.equal(answerTo(icmp(type)), undefined, `type ${type}`);
  });

  it('answers the first fragment only', () => {
    assert.ok(answerTo(edited(createPacket(FOUR), (packet) => writeUint16BE(packet, 6, 0x2000))));
    assert.equal(answerTo(edited(createPacket(FOUR), (packet) => writeUint16BE(packet, 6, 0x2001))), undefined);
  });

  it('stays silent for multicast, broadcast and senders that cannot be one host', () => {
    for (const to of ['224.0.0.1', '239.255.255.250', '255.255.255.255'])
      assert.equal(answerTo(createPacket({ ...FOUR, to })), undefined, to);
    for (const from of ['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'])
      assert.equal(answerTo(createPacket({ ...FOUR, from })), undefined, from);
  });
});

describe('unreachable over IPv6', () => {
  it('says address unreachable and quotes the packet', () => {
    const packet = createPacket({ ...SIX, bytes: 100 });
    const answer = answerTo(packet)!;
    assert.equal(formatAddress(addressFromBytes(answer.slice(8, 24))), SIX.to);
    assert.equal(formatAddress(addressFromBytes(answer.slice(24, 40))), SIX.from);
    assert.deepEqual([...answer.subarray(40, 42)], [1, 3]);
    assert.deepEqual(answer.subarray(48), packet);
    assert.equal(readUint16BE(answer, 4), answer.length - 40);
  });

  it('is never longer than 1280 bytes', () => {
    assert.equal(answerTo(createPacket({ ...SIX, bytes: 1400 }))!.length, 1280);
  });

  it('has a right checksum whatever it quotes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1500 }), (payload) => {
        const packet = concatBytes(createPacket({ ...SIX, bytes: 40 }), payload);
        const answer = answerTo(packet)!;
        assert.equal(foldedSum(concatBytes(pseudoHeader6(answer), answer.subarray(40))), 0xffff);
      }),
    );
  });

  it('answers a ping but neither an error nor a redirect, also behind extension headers', () => {
    const plain = (type: number) =>
      edited(createPacket(SIX), (packet) => {
        packet.set([58], 6);
        packet.set([type], 40);
      });
    const extended = (type: number) =>
      edited(createPacket({ ...SIX, bytes: 80 }), (packet) => {
        packet.set([0], 6); // hop by hop, 8 bytes; then destination options, 16 bytes; then ICMPv6
        packet.set([60, 0], 40);
        packet.set([58, 1], 48);
        packet.set([type], 64);
      });
    for (const packet of [plain, extended]) {
      assert.ok(answerTo(packet(128)));
      for (const type of [1, 2, 3, 4, 137]) assert.equal(answerTo(packet(type)), undefined, `type ${type}`);
    }
  });

  it('answers the first fragment only', () => {
    const fragment = (offset: number) =>
      edited(createPacket(SIX), (packet) => {
        packet.set([44], 6);
        packet.set([17, 0], 40);
        writeUint16BE(packet, 42, offset);
      });
    assert.ok(answerTo(fragment(1)), 'more fragments, offset 0');
    assert.equal(answerTo(fragment(8)), undefined);
  });

  it('stays silent for multicast and for senders that cannot be one host', () => {
    assert.equal(answerTo(createPacket({ ...SIX, to: 'ff02::1' })), undefined);
    for (const from of ['::', 'ff02::1']) assert.equal(answerTo(createPacket({ ...SIX, from })), undefined, from);
  });

  it('stays silent for extension headers that end beyond the packet', () => {
    const packet = edited(createPacket({ ...SIX, bytes: 48 }), (packet) => {
      packet.set([0], 6);
      packet.set([60, 9], 40);
    });
    assert.equal(answerTo(packet), undefined);
  });
});
