/** The handshake of sections 5.4.1 to 5.4.5: byte for byte, with and without a preshared key, and against forgers. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeHex, encodeHex, isZero } from '../../src/bytes.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../../src/keys.ts';
import { writeMacs } from '../../src/noise/cookie.ts';
import {
  consumeInitiation,
  consumeResponse,
  createInitiation,
  createRemoteStatic,
  createResponse,
  createStaticKeys,
  type Handshake,
  wipeHandshake,
} from '../../src/noise/handshake.ts';
import { Tai64nSource } from '../../src/noise/tai64n.ts';
import handshakeVectors from '../vectors/handshake.json' with { type: 'json' };
import x25519Vectors from '../vectors/x25519.json' with { type: 'json' };
import {
  createPair,
  INITIATOR_INDEX,
  initiate,
  keyFrom,
  NO_PRESHARED_KEY,
  type Pair,
  respond,
  RESPONDER_INDEX,
  TIMESTAMP,
} from './pair.ts';

const PSK = keyFrom('preshared') as Uint8Array as PresharedKey;
const OTHER_PSK = keyFrom('another preshared') as Uint8Array as PresharedKey;
/** The ephemeral, static and timestamp of an initiation, and the ephemeral and tag of a response. */
const INITIATION_NOISE = [8, 116] as const;
const RESPONSE_NOISE = [12, 60] as const;

for (const vector of handshakeVectors.vectors)
  test(`a handshake ${vector.name} is byte for byte that of an independent implementation`, () => {
    const initiator = createStaticKeys(nobleCrypto, privateKey(vector.initiatorStatic));
    const responder = createStaticKeys(nobleCrypto, privateKey(vector.responderStatic));
    const psk = hex(vector.presharedKey) as PresharedKey;
    const cookie = vector.cookie === '' ? undefined : hex(vector.cookie);
    const toResponder = createRemoteStatic(nobleCrypto, initiator, responder.publicKey, psk)!;
    const toInitiator = createRemoteStatic(nobleCrypto, responder, initiator.publicKey, psk)!;

    const initiation = createInitiation(nobleCrypto, initiator, toResponder, {
      senderIndex: vector.initiatorIndex,
      ephemeralPrivate: privateKey(vector.initiatorEphemeral),
      timestamp: new Tai64nSource().next(vector.wallMs),
    });
    writeMacs(nobleCrypto, initiation.message, toResponder.mac1Key, cookie);
    assert.equal(encodeHex(initiation.message), vector.initiation);

    const consumed = consumeInitiation(nobleCrypto, responder, initiation.message, () => toInitiator)!;
    assert.equal(encodeHex(consumed.timestamp), vector.timestamp);
    const response = createResponse(nobleCrypto, consumed.handshake, toInitiator, {
      senderIndex: vector.responderIndex,
      ephemeralPrivate: privateKey(vector.responderEphemeral),
    });
    writeMacs(nobleCrypto, response.message, toInitiator.mac1Key, cookie);
    assert.equal(encodeHex(response.message), vector.response);
    assert.equal(encodeHex(response.keys.send), vector.responderSends);
    assert.equal(encodeHex(response.keys.receive), vector.initiatorSends);

    const completed = consumeResponse(nobleCrypto, initiator, toResponder, initiation.handshake, response.message)!;
    assert.equal(encodeHex(completed.keys.send), vector.initiatorSends);
    assert.equal(encodeHex(completed.keys.receive), vector.responderSends);
  });

describe('a completed handshake', () => {
  for (const [name, options] of [
    ['without a preshared key', {}],
    ['with a preshared key', { initiatorPsk: PSK, responderPsk: PSK }],
  ] as const)
    test(`${name} gives both sides the same two keys, crossed, and each other's index`, () => {
      const pair = createPair(options);
      const { message, handshake } = initiate(pair);
      const response = respond(pair, message);
      const completed = finish(pair, handshake, response.message);
      assert.deepEqual(completed?.keys.send, response.keys.receive);
      assert.deepEqual(completed?.keys.receive, response.keys.send);
      assert.notDeepEqual(response.keys.send, response.keys.receive);
      assert.equal(completed?.remoteIndex, RESPONDER_INDEX);
      assert.equal(response.remoteIndex, INITIATOR_INDEX);
    });

  test('tells the responder who the initiator is and its timestamp', () => {
    const pair = createPair();
    const asked: PublicKey[] = [];
    const consumed = consumeInitiation(nobleCrypto, pair.responder.local, initiate(pair).message, (publicKey) => {
      asked.push(publicKey);
      return pair.responder.remote;
    });
    assert.deepEqual(asked, [pair.initiator.local.publicKey]);
    assert.equal(consumed?.remote, pair.responder.remote);
    assert.deepEqual(consumed?.timestamp, TIMESTAMP);
  });

  test('does not depend on the buffers that its messages were received in', () => {
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const received = message.slice();
    const consumed = consume(pair, received)!;
    received.fill(0xee);
    const response = createResponse(nobleCrypto, consumed.handshake, consumed.remote, {
      senderIndex: RESPONDER_INDEX,
      ephemeralPrivate: keyFrom('responder ephemeral'),
    });
    assert.deepEqual(consumed.timestamp, TIMESTAMP);
    assert.deepEqual(finish(pair, handshake, response.message)?.keys.send, response.keys.receive);
  });

  test('cannot be completed a second time by a replayed response', () => {
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const response = respond(pair, message);
    assert.ok(finish(pair, handshake, response.message));
    assert.equal(finish(pair, handshake, response.message), undefined);
  });
});

describe('an initiation is refused', () => {
  test('with any byte of its Noise part changed, even by somebody who writes a right MAC1', () => {
    const pair = createPair();
    const { message } = initiate(pair);
    for (let i = INITIATION_NOISE[0]; i < INITIATION_NOISE[1]; i++) {
      const forged = flipped(message, i);
      writeMacs(nobleCrypto, forged, pair.initiator.remote.mac1Key);
      assert.equal(consume(pair, forged), undefined, `byte ${i}`);
    }
  });

  test('by a host that it was not meant for', () => {
    const pair = createPair();
    const stranger = createStaticKeys(nobleCrypto, keyFrom('stranger'));
    assert.equal(
      consumeInitiation(nobleCrypto, stranger, initiate(pair).message, () => pair.responder.remote),
      undefined,
    );
  });

  test('from an unknown initiator', () => {
    const pair = createPair();
    assert.equal(
      consumeInitiation(nobleCrypto, pair.responder.local, initiate(pair).message, () => undefined),
      undefined,
    );
  });

  test('from somebody who has the initiator’s public key only', () => {
    const pair = createPair();
    const thief = {
      ...pair.initiator.local,
      privateKey: keyFrom('thief'),
    };
    const toResponder = createRemoteStatic(
      nobleCrypto,
      thief,
      pair.responder.local.publicKey,
      pair.initiator.remote.presharedKey,
    )!;
    const { message } = initiate({ ...pair, initiator: { local: thief, remote: toResponder } });
    assert.equal(consume(pair, message), undefined);
  });

  test('with a low-order ephemeral key, before its sender is looked up', () => {
    const pair = createPair();
    for (const point of x25519Vectors.lowOrder.points) {
      const { message } = initiate(pair);
      message.set(hex(point), 8);
      const consumed = consumeInitiation(nobleCrypto, pair.responder.local, message, () =>
        assert.fail('looked up a peer'),
      );
      assert.equal(consumed, undefined);
    }
  });

  test('one byte too short or too long', () => {
    const pair = createPair();
    const { message } = initiate(pair);
    assert.equal(consume(pair, message.subarray(0, -1)), undefined);
    assert.equal(consume(pair, Uint8Array.of(...message, 0)), undefined);
  });
});

describe('a response is refused, and the handshake stays usable', () => {
  test('with any byte of its Noise part changed', () => {
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const response = respond(pair, message);
    for (let i = RESPONSE_NOISE[0]; i < RESPONSE_NOISE[1]; i++)
      assert.equal(finish(pair, handshake, flipped(response.message, i)), undefined, `byte ${i}`);
    assert.ok(finish(pair, handshake, response.message));
  });

  test('with another preshared key on either side', () => {
    for (const [initiatorPsk, responderPsk] of [
      [PSK, OTHER_PSK],
      [PSK, NO_PRESHARED_KEY],
      [NO_PRESHARED_KEY, PSK],
    ] as const) {
      const pair = createPair({ initiatorPsk, responderPsk });
      const { message, handshake } = initiate(pair);
      assert.equal(finish(pair, handshake, respond(pair, message).message), undefined);
      const corrected = createPair({ initiatorPsk, responderPsk: initiatorPsk });
      assert.ok(finish(corrected, handshake, respond(corrected, message).message));
    }
  });

  test('to another initiation of the same host', () => {
    const pair = createPair();
    const earlier = createInitiation(nobleCrypto, pair.initiator.local, pair.initiator.remote, {
      senderIndex: INITIATOR_INDEX,
      ephemeralPrivate: keyFrom('an earlier ephemeral'),
      timestamp: TIMESTAMP,
    });
    const { message, handshake } = initiate(pair);
    assert.equal(finish(pair, handshake, respond(pair, earlier.message).message), undefined);
    assert.ok(finish(pair, handshake, respond(pair, message).message));
  });

  test('with a low-order ephemeral key', () => {
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const response = respond(pair, message);
    for (const point of x25519Vectors.lowOrder.points) {
      const forged = response.message.slice();
      forged.set(hex(point), 12);
      assert.equal(finish(pair, handshake, forged), undefined);
    }
    assert.ok(finish(pair, handshake, response.message));
  });

  test('one byte too short or too long', () => {
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const response = respond(pair, message).message;
    assert.equal(finish(pair, handshake, response.subarray(0, -1)), undefined);
    assert.equal(finish(pair, handshake, Uint8Array.of(...response, 0)), undefined);
  });
});

test('a peer whose public key is of low order is refused at set-up', () => {
  const local = createStaticKeys(nobleCrypto, keyFrom('initiator'));
  for (const point of x25519Vectors.lowOrder.points)
    assert.equal(createRemoteStatic(nobleCrypto, local, hex(point) as PublicKey, PSK), undefined);
});

describe('secrets', () => {
  test('a completed handshake leaves none behind but the transport keys', () => {
    const { crypto, secrets } = recordingCrypto();
    const pair = createPair({ crypto, initiatorPsk: PSK, responderPsk: PSK });
    const lasting = new Set<Uint8Array>([pair.initiator.remote.staticShared, pair.responder.remote.staticShared]);
    const { message, handshake } = initiate(pair, crypto);
    const response = respond(pair, message, crypto);
    const { initiator } = pair;
    const completed = consumeResponse(crypto, initiator.local, initiator.remote, handshake, response.message)!;
    for (const keys of [response.keys, completed.keys]) for (const key of [keys.send, keys.receive]) lasting.add(key);
    assert.ok(secrets.length > 30);
    for (const secret of secrets) assert.equal(isZero(secret), !lasting.has(secret));
    assert.ok(isZero(handshake.ephemeralPrivate) && isZero(handshake.chainingKey));
  });

  test('a refused message leaves none behind', () => {
    const { crypto, secrets } = recordingCrypto();
    const pair = createPair();
    const { message, handshake } = initiate(pair);
    const response = respond(pair, message).message;
    const { local } = pair.responder;
    for (const forged of [flipped(message, 8), flipped(message, 50), flipped(message, 100)])
      assert.equal(
        consumeInitiation(crypto, local, forged, () => pair.responder.remote),
        undefined,
      );
    assert.equal(
      consumeInitiation(crypto, local, message, () => undefined),
      undefined,
    );
    for (const forged of [flipped(response, 12), flipped(response, 50)])
      assert.equal(consumeResponse(crypto, pair.initiator.local, pair.initiator.remote, handshake, forged), undefined);
    assert.ok(secrets.length > 30);
    assert.ok(secrets.every(isZero));
  });

  for (const refused of [1, 2])
    test(`a response whose DH number ${refused} is refused leaves none behind`, () => {
      const { crypto, secrets } = recordingCrypto();
      const pair = createPair();
      const { message, handshake } = initiate(pair);
      const response = respond(pair, message).message;
      const { local, remote } = pair.initiator;
      let calls = 0;
      const dh: CryptoProvider['dh'] = (...keys) => (++calls === refused ? undefined : crypto.dh(...keys));
      assert.equal(consumeResponse({ ...crypto, dh }, local, remote, handshake, response), undefined);
      assert.equal(calls, refused);
      assert.ok(secrets.length > 0);
      assert.ok(secrets.every(isZero));
      assert.ok(finish(pair, handshake, response), 'the handshake stays usable');
    });

  test('an abandoned handshake is erased by wipeHandshake', () => {
    const { handshake } = initiate(createPair());
    wipeHandshake(handshake);
    assert.ok(isZero(handshake.chainingKey) && isZero(handshake.hash) && isZero(handshake.ephemeralPrivate));
  });

  test('the caller’s own keys are left alone', () => {
    const ephemeralPrivate = keyFrom('initiator ephemeral');
    const pair = createPair({ initiatorPsk: PSK, responderPsk: PSK });
    const { message, handshake } = createInitiation(nobleCrypto, pair.initiator.local, pair.initiator.remote, {
      senderIndex: INITIATOR_INDEX,
      ephemeralPrivate,
      timestamp: TIMESTAMP,
    });
    assert.ok(finish(pair, handshake, respond(pair, message).message));
    assert.deepEqual(ephemeralPrivate, keyFrom('initiator ephemeral'));
    assert.deepEqual(pair.initiator.local.privateKey, keyFrom('initiator'));
    assert.deepEqual(pair.initiator.remote, createPair({ initiatorPsk: PSK, responderPsk: PSK }).initiator.remote);
  });
});

function consume(pair: Pair, message: Uint8Array) {
  return consumeInitiation(nobleCrypto, pair.responder.local, message, () => pair.responder.remote);
}

function finish(pair: Pair, handshake: Handshake, response: Uint8Array) {
  return consumeResponse(nobleCrypto, pair.initiator.local, pair.initiator.remote, handshake, response);
}

/** noble, keeping every shared secret and derived key that it hands out. */
function recordingCrypto(): { crypto: CryptoProvider; secrets: Uint8Array[] } {
  const secrets: Uint8Array[] = [];
  const crypto: CryptoProvider = {
    ...nobleCrypto,
    dh(privateKey, publicKey) {
      const shared = nobleCrypto.dh(privateKey, publicKey);
      if (shared !== undefined) secrets.push(shared);
      return shared;
    },
    hmac(key, ...parts) {
      const derived = nobleCrypto.hmac(key, ...parts);
      secrets.push(derived);
      return derived;
    },
  };
  return { crypto, secrets };
}

function flipped(message: Uint8Array, index: number): Uint8Array {
  const copy = message.slice();
  copy[index]! ^= 0x80;
  return copy;
}

function privateKey(text: string): PrivateKey {
  return hex(text) as PrivateKey;
}

function hex(text: string): Uint8Array {
  const bytes = decodeHex(text);
  assert.ok(bytes !== undefined, `not hexadecimal: ${text}`);
  return bytes;
}
