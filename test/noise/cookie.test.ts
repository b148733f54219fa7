/** MAC1, MAC2 and cookies: sections 5.3, 5.4.4 and 5.4.7. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { decodeHex, encodeHex, isZero } from '../../src/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { COOKIE_SECRET_LIFETIME_MS } from '../../src/noise/constants.ts';
import {
  consumeCookieReply,
  CookieChecker,
  type CookieSource,
  mac1Of,
  verifyMac1,
  writeMacs,
} from '../../src/noise/cookie.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../../src/keys.ts';
import { createRemoteStatic, createStaticKeys } from '../../src/noise/handshake.ts';
import { cookieReplyReceiverIndex, COOKIE_REPLY_BYTES, macFields } from '../../src/noise/messages.ts';
import cookieVectors from '../vectors/cookie.json' with { type: 'json' };
import { createPair, initiate, INITIATOR_INDEX, keyFrom, respond, RESPONDER_INDEX } from './pair.ts';

const START = 1_000_000;
const SOURCE = sourceOf(4, [192, 0, 2, 14], 51_820);

describe('MAC1', () => {
  test('is right on both handshake messages, for their receiver only', () => {
    const pair = createPair();
    const initiation = initiate(pair).message;
    const response = respond(pair, initiation).message;
    writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key);
    writeMacs(nobleCrypto, response, pair.responder.remote.mac1Key);
    assert.equal(verifyMac1(nobleCrypto, pair.responder.local, initiation), true);
    assert.equal(verifyMac1(nobleCrypto, pair.initiator.local, response), true);
    assert.equal(verifyMac1(nobleCrypto, pair.initiator.local, initiation), false);
    assert.equal(verifyMac1(nobleCrypto, createStaticKeys(nobleCrypto, keyFrom('stranger')), initiation), false);
  });

  test('covers every byte before it, and is itself compared in full', () => {
    const { initiation, pair } = initiationWithMacs();
    const end = initiation.length - 16;
    for (let i = 0; i < end; i++)
      assert.equal(verifyMac1(nobleCrypto, pair.responder.local, flipped(initiation, i)), false, `byte ${i}`);
    for (let i = end; i < initiation.length; i++)
      assert.equal(verifyMac1(nobleCrypto, pair.responder.local, flipped(initiation, i)), true, `byte ${i} of MAC2`);
  });

  test('of a message too short to have one is wrong', () => {
    const { local } = createPair().responder;
    for (const length of [0, 15, 16, 31]) assert.equal(verifyMac1(nobleCrypto, local, new Uint8Array(length)), false);
  });
});

describe('MAC2', () => {
  test('is zero without a cookie, and a cookie once used is not left behind', () => {
    const { initiation, pair } = initiationWithMacs();
    assert.ok(isZero(macFields(initiation).mac2));
    writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key, keyFrom('cookie').slice(0, 16));
    assert.ok(!isZero(macFields(initiation).mac2));
    writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key);
    assert.ok(isZero(macFields(initiation).mac2));
  });

  test('is right once the sender has received its cookie, from the initiator and from the responder', () => {
    const pair = createPair();
    const initiation = initiate(pair).message;
    const response = respond(pair, initiation).message;
    for (const [message, sender, receiver, index] of [
      [initiation, pair.initiator, pair.responder, INITIATOR_INDEX],
      [response, pair.responder, pair.initiator, RESPONDER_INDEX],
    ] as const) {
      const checker = new CookieChecker(nobleCrypto, seededRandom());
      writeMacs(nobleCrypto, message, sender.remote.mac1Key);
      assert.equal(checker.verifyMac2(message, SOURCE, START), false);

      const reply = checker.createReply(receiver.local, message, SOURCE, START);
      assert.equal(reply.length, COOKIE_REPLY_BYTES);
      assert.equal(cookieReplyReceiverIndex(reply), index);
      const cookie = consumeCookieReply(nobleCrypto, sender.remote, reply, mac1Of(message));
      assert.equal(cookie?.length, 16);

      writeMacs(nobleCrypto, message, sender.remote.mac1Key, cookie);
      assert.equal(checker.verifyMac2(message, SOURCE, START), true);
      for (let i = 0; i < message.length; i++)
        assert.equal(checker.verifyMac2(flipped(message, i), SOURCE, START), false, `byte ${i}`);
    }
  });

  test('is good for the same cookie in later messages', () => {
    const { checker, cookie, pair } = cookieReceived();
    const later = initiate(pair).message;
    later[4]! ^= 1;
    writeMacs(nobleCrypto, later, pair.initiator.remote.mac1Key, cookie);
    assert.equal(checker.verifyMac2(later, SOURCE, START + 60_000), true);
  });

  test('is bound to the address and to the port', () => {
    const { checker, initiation } = cookieReceived();
    assert.equal(checker.verifyMac2(initiation, sourceOf(4, [192, 0, 2, 15], 51_820), START), false);
    assert.equal(checker.verifyMac2(initiation, sourceOf(4, [192, 0, 2, 14], 51_821), START), false);
    assert.equal(checker.verifyMac2(initiation, sourceOf(4, [192, 0, 2, 14], 51_820 ^ 0x100), START), false);
    assert.equal(checker.verifyMac2(initiation, SOURCE, START), true);
  });

  test('of an IPv6 source is bound to all 16 bytes, of an IPv4 source to 4 whatever is behind them', () => {
    const ipv6 = Array.from({ length: 16 }, (_, i) => 0x20 + i);
    const { checker, initiation } = cookieReceived(sourceOf(6, ipv6, 1));
    assert.equal(checker.verifyMac2(initiation, sourceOf(6, ipv6, 1), START), true);
    for (let i = 0; i < 16; i++) {
      const other = ipv6.map((byte, j) => (i === j ? byte ^ 1 : byte));
      assert.equal(checker.verifyMac2(initiation, sourceOf(6, other, 1), START), false, `byte ${i}`);
    }
    const stale = sourceOf(4, [192, 0, 2, 14, 9, 9, 9, 9], 51_820);
    const ipv4 = cookieReceived();
    assert.equal(ipv4.checker.verifyMac2(ipv4.initiation, stale, START), true);
  });

  test('expires with the secret, after two minutes', () => {
    const { checker, initiation, pair } = cookieReceived();
    assert.equal(checker.verifyMac2(initiation, SOURCE, START + COOKIE_SECRET_LIFETIME_MS - 1), true);
    assert.equal(checker.verifyMac2(initiation, SOURCE, START + COOKIE_SECRET_LIFETIME_MS), false);
    checker.createReply(pair.responder.local, initiation, SOURCE, START + COOKIE_SECRET_LIFETIME_MS);
    assert.equal(checker.verifyMac2(initiation, SOURCE, START + COOKIE_SECRET_LIFETIME_MS), false);
  });

  test('is wrong before any cookie was made, even one computed with an empty or zero secret', () => {
    const { initiation, pair } = initiationWithMacs();
    const checker = new CookieChecker(nobleCrypto, seededRandom());
    const guessed = nobleCrypto.mac(new Uint8Array(32), Uint8Array.of(192, 0, 2, 14, 51_820 >> 8, 51_820 & 255));
    writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key, guessed);
    assert.equal(checker.verifyMac2(initiation, SOURCE, START), false);
    assert.equal(checker.verifyMac2(initiation, SOURCE, -Infinity), false);
  });

  test('is made with a secret that is erased when the next one comes, and when the checker is destroyed', () => {
    const secrets: Uint8Array[] = [];
    const checker = new CookieChecker(nobleCrypto, (length) => {
      const bytes = new Uint8Array(length).fill(7);
      if (length === 32) secrets.push(bytes); // the other is a nonce
      return bytes;
    });
    const pair = createPair();
    const { message } = initiate(pair);
    const { local } = pair.responder;
    checker.createReply(local, message, SOURCE, START);
    checker.createReply(local, message, SOURCE, START + COOKIE_SECRET_LIFETIME_MS - 1);
    assert.deepEqual(secrets.map(isZero), [false]);
    checker.createReply(local, message, SOURCE, START + COOKIE_SECRET_LIFETIME_MS);
    assert.deepEqual(secrets.map(isZero), [true, false]);
    checker.destroy();
    assert.deepEqual(secrets.map(isZero), [true, true]);
  });

  test('is refused once the checker is destroyed', () => {
    const { checker, initiation } = cookieReceived();
    checker.destroy();
    assert.equal(checker.verifyMac2(initiation, SOURCE, START), false);
  });
});

describe('a cookie reply', () => {
  test('is encrypted under a fresh nonce each time', () => {
    const { initiation, pair } = initiationWithMacs();
    const checker = new CookieChecker(nobleCrypto, seededRandom());
    const [first, second] = [0, 1].map(() => checker.createReply(pair.responder.local, initiation, SOURCE, START));
    assert.notDeepEqual(first!.subarray(8, 32), second!.subarray(8, 32));
    assert.notDeepEqual(first!.subarray(32), second!.subarray(32));
    const mac1 = mac1Of(initiation);
    assert.deepEqual(
      consumeCookieReply(nobleCrypto, pair.initiator.remote, first!, mac1),
      consumeCookieReply(nobleCrypto, pair.initiator.remote, second!, mac1),
    );
  });

  test('is refused with any byte of its nonce or cookie changed, and of another length', () => {
    const { reply, initiation, pair } = cookieReceived();
    const { remote } = pair.initiator;
    const mac1 = mac1Of(initiation);
    for (let i = 8; i < reply.length; i++)
      assert.equal(consumeCookieReply(nobleCrypto, remote, flipped(reply, i), mac1), undefined, `byte ${i}`);
    assert.equal(consumeCookieReply(nobleCrypto, remote, reply.subarray(0, -1), mac1), undefined);
    assert.equal(consumeCookieReply(nobleCrypto, remote, Uint8Array.of(...reply, 0), mac1), undefined);
  });

  test('is refused when it answers another message than the last one sent', () => {
    const { reply, initiation, pair } = cookieReceived();
    const other = flipped(mac1Of(initiation), 3);
    assert.equal(consumeCookieReply(nobleCrypto, pair.initiator.remote, reply, other), undefined);
  });

  test('is refused when another host made it', () => {
    const { reply, initiation, pair } = cookieReceived();
    assert.equal(consumeCookieReply(nobleCrypto, pair.responder.remote, reply, mac1Of(initiation)), undefined);
  });
});

function initiationWithMacs() {
  const pair = createPair();
  const initiation = initiate(pair).message;
  writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key);
  return { pair, initiation };
}

/** The initiator has the cookie of `source`, and its initiation a right MAC2. */
function cookieReceived(source = SOURCE) {
  const { pair, initiation } = initiationWithMacs();
  const checker = new CookieChecker(nobleCrypto, seededRandom());
  const reply = checker.createReply(pair.responder.local, initiation, source, START);
  const cookie = consumeCookieReply(nobleCrypto, pair.initiator.remote, reply, mac1Of(initiation));
  assert.ok(cookie !== undefined);
  writeMacs(nobleCrypto, initiation, pair.initiator.remote.mac1Key, cookie);
  return { pair, initiation, checker, reply, cookie };
}

/** An Endpoint's address field has always 16 bytes. */
describe('cookie replies as another program computes them', () => {
  const local = createStaticKeys(nobleCrypto, hex(cookieVectors.privateKey) as PrivateKey); // 32 bytes, as the next
  const sender = createStaticKeys(nobleCrypto, keyFrom('initiator'));
  const remote = createRemoteStatic(
    nobleCrypto,
    sender,
    hex(cookieVectors.publicKey) as PublicKey,
    new Uint8Array(32) as PresharedKey,
  )!;
  for (const vector of cookieVectors.cases) {
    const address = hex(vector.address);
    const source = sourceOf(address.length === 4 ? 4 : 6, [...address], vector.port);
    const message = hex(`${vector.message}${'00'.repeat(16)}`);

    test(`are created alike for IPv${source.family}, and the MAC2 that follows is accepted`, () => {
      assert.equal(verifyMac1(nobleCrypto, local, message), true);
      const checker = new CookieChecker(nobleCrypto, (length) => hex(length === 24 ? vector.nonce : vector.secret));
      assert.equal(encodeHex(checker.createReply(local, message, source, START)), vector.reply);
      assert.equal(checker.verifyMac2(hex(vector.message + vector.mac2), source, START), true);
    });

    test(`are consumed alike for IPv${source.family}, and lead to the same MAC2`, () => {
      const cookie = consumeCookieReply(nobleCrypto, remote, hex(vector.reply), mac1Of(message))!;
      assert.equal(encodeHex(cookie), vector.cookie);
      writeMacs(nobleCrypto, message, remote.mac1Key, cookie);
      assert.equal(encodeHex(message), vector.message + vector.mac2);
    });
  }
});

function hex(text: string): Uint8Array {
  return decodeHex(text)!;
}

function sourceOf(family: 4 | 6, address: readonly number[], port: number): CookieSource {
  const bytes = new Uint8Array(16);
  bytes.set(address);
  return { family, address: bytes, port };
}

function seededRandom(): (length: number) => Uint8Array {
  let calls = 0;
  return (length) => new Uint8Array(createHash('sha512').update(String(calls++)).digest()).slice(0, length);
}

function flipped(message: Uint8Array, index: number): Uint8Array {
  const copy = message.slice();
  copy[index]! ^= 0x80;
  return copy;
}
