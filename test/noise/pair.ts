/** Two hosts that know each other, and one handshake between them: what the tests of noise/ and transport/ start from. */
import { createHash } from 'node:crypto';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import type { PresharedKey, PrivateKey } from '../../src/keys.ts';
import {
  consumeInitiation,
  consumeResponse,
  createInitiation,
  createRemoteStatic,
  createResponse,
  createStaticKeys,
  type RemoteStatic,
  type StaticKeys,
  type TransportKeys,
} from '../../src/noise/handshake.ts';
import { Tai64nSource } from '../../src/noise/tai64n.ts';

export const NO_PRESHARED_KEY = new Uint8Array(32) as PresharedKey;
export const INITIATOR_INDEX = 0x8000_0001;
export const RESPONDER_INDEX = 0xffff_fffe;
export const TIMESTAMP = new Tai64nSource().next(1_700_000_000_000);

/** One host's view: its own keys, and the other as it sees it. */
export interface Side {
  readonly local: StaticKeys;
  readonly remote: RemoteStatic;
}

export interface Pair {
  readonly initiator: Side;
  readonly responder: Side;
}

/** 32 bytes that are the same in every run. */
export function keyFrom(seed: string): PrivateKey {
  return new Uint8Array(createHash('sha256').update(seed).digest()) as PrivateKey;
}

export function createPair(
  options: { crypto?: CryptoProvider; initiatorPsk?: PresharedKey; responderPsk?: PresharedKey } = {},
): Pair {
  const crypto = options.crypto ?? nobleCrypto;
  const initiator = createStaticKeys(crypto, keyFrom('initiator'));
  const responder = createStaticKeys(crypto, keyFrom('responder'));
  const toResponder = createRemoteStatic(
    crypto,
    initiator,
    responder.publicKey,
    options.initiatorPsk ?? NO_PRESHARED_KEY,
  );
  const toInitiator = createRemoteStatic(
    crypto,
    responder,
    initiator.publicKey,
    options.responderPsk ?? NO_PRESHARED_KEY,
  );
  if (toResponder === undefined || toInitiator === undefined) throw new Error('the keys of the tests are of low order');
  return { initiator: { local: initiator, remote: toResponder }, responder: { local: responder, remote: toInitiator } };
}

export function initiate(pair: Pair, crypto = nobleCrypto): ReturnType<typeof createInitiation> {
  return createInitiation(crypto, pair.initiator.local, pair.initiator.remote, {
    senderIndex: INITIATOR_INDEX,
    ephemeralPrivate: keyFrom('initiator ephemeral'),
    timestamp: TIMESTAMP,
  });
}

export function respond(pair: Pair, initiation: Uint8Array, crypto = nobleCrypto): ReturnType<typeof createResponse> {
  const consumed = consumeInitiation(crypto, pair.responder.local, initiation, () => pair.responder.remote);
  if (consumed === undefined) throw new Error('the initiation was refused');
  return createResponse(crypto, consumed.handshake, consumed.remote, {
    senderIndex: RESPONDER_INDEX,
    ephemeralPrivate: keyFrom('responder ephemeral'),
  });
}

/** Both sides' keys of a completed handshake. */
export function completeHandshake(pair = createPair()): { initiator: TransportKeys; responder: TransportKeys } {
  const { message, handshake } = initiate(pair);
  const response = respond(pair, message);
  const consumed = consumeResponse(
    nobleCrypto,
    pair.initiator.local,
    pair.initiator.remote,
    handshake,
    response.message,
  );
  if (consumed === undefined) throw new Error('the response was refused');
  return { initiator: consumed.keys, responder: response.keys };
}
