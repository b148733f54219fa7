/**
 * The handshake of sections 5.4.1 to 5.4.5: Noise_IKpsk2 with BLAKE2s, X25519 and ChaCha20-Poly1305.
 *
 *   initiator                                            responder
 *   1. createInitiation   -- type 1 ------------------>  2. consumeInitiation
 *   4. consumeResponse    <------------------ type 2 --  3. createResponse
 *   5. the keys T^send and T^recv, and the first transport message comes from the initiator
 *
 * In the paper's symbols, C the chaining key, H the hash, S static, E ephemeral, Q the preshared key; i and r as above:
 *   both: C = Hash(Construction), H = Hash(Hash(C || Identifier) || S_r pub)
 *   1, 2: mix E_i pub into C and H; mix DH(E_i, S_r) into C, seal S_i pub; mix DH(S_i, S_r) into C, seal the timestamp
 *   3, 4: mix E_r pub into C and H; mix DH(E_r, E_i) and DH(E_r, S_i) into C; mix Q into C and H; seal nothing
 *   5:    (initiator's send, responder's send) = Kdf2(C, nothing)
 *
 * No clock and no random source in here: timestamps, indices and ephemeral keys are arguments. Everything is computed in
 * locals and nothing outlives a refused message. MAC1 and MAC2 are cookie.ts's.
 */
import { encodeUtf8, wipe } from '../bytes.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../keys.ts';
import { CONSTRUCTION, IDENTIFIER, LABEL_COOKIE, LABEL_MAC1 } from './constants.ts';
import { kdf1, kdf2, kdf3 } from './kdf.ts';
import {
  initiationFields,
  INITIATION_BYTES,
  newInitiation,
  newResponse,
  responseFields,
  RESPONSE_BYTES,
  senderIndex,
} from './messages.ts';

const NOTHING = new Uint8Array(0);

/** This host's identity, and what is derived from it once. */
export interface StaticKeys {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  /** Hash(Label-Mac1 || public key): authenticates messages to this host. */
  readonly mac1Key: Uint8Array;
  /** Hash(Label-Cookie || public key): encrypts this host's cookie replies. */
  readonly cookieKey: Uint8Array;
}

/** A peer's identity as this host sees it. */
export interface RemoteStatic {
  readonly publicKey: PublicKey;
  /** DH of the two static keys: precomputed, as it is the same in every handshake. */
  readonly staticShared: Uint8Array;
  /** All zero: none. */
  readonly presharedKey: PresharedKey;
  readonly mac1Key: Uint8Array;
  readonly cookieKey: Uint8Array;
}

/** A handshake under way. Opaque to callers, who erase it with `wipeHandshake` when it comes to nothing. */
export interface Handshake {
  readonly chainingKey: Uint8Array;
  readonly hash: Uint8Array;
  /** The initiator's own ephemeral private key; empty at the responder. */
  readonly ephemeralPrivate: Uint8Array;
  /** The initiator's ephemeral public key, as the responder received it; empty at the initiator. */
  readonly remoteEphemeral: Uint8Array;
  /** The initiator's sender index. */
  readonly initiatorIndex: number;
}

/** T^send and T^recv, 32 bytes each. */
export interface TransportKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

export function createStaticKeys(crypto: CryptoProvider, privateKey: PrivateKey): StaticKeys {
  const publicKey = crypto.publicKey(privateKey) as PublicKey; // 32 bytes, by the port
  return { privateKey, publicKey, ...labelledKeys(crypto, publicKey) };
}

/** Undefined when the DH of the static keys is zero: no such peer can be authenticated. */
export function createRemoteStatic(
  crypto: CryptoProvider,
  local: StaticKeys,
  publicKey: PublicKey,
  presharedKey: PresharedKey,
): RemoteStatic | undefined {
  const staticShared = crypto.dh(local.privateKey, publicKey);
  if (staticShared === undefined) return undefined;
  return { publicKey, staticShared, presharedKey, ...labelledKeys(crypto, publicKey) };
}

/**
 * 5.4.2, initiator. The MACs of `message` are still to be written.
 * `ephemeralPrivate` is copied; the caller wipes its own.
 */
export function createInitiation(
  crypto: CryptoProvider,
  local: StaticKeys,
  remote: RemoteStatic,
  input: { senderIndex: number; ephemeralPrivate: PrivateKey; timestamp: Uint8Array },
): { message: Uint8Array; handshake: Handshake } {
  const message = newInitiation(input.senderIndex);
  const fields = initiationFields(message);
  const state = startTranscript(crypto, remote.publicKey);

  fields.ephemeral.set(crypto.publicKey(input.ephemeralPrivate));
  mixEphemeral(crypto, state, fields.ephemeral);

  const shared = sharedWithPeer(crypto, input.ephemeralPrivate, remote);
  const staticKey = mixKey(crypto, state, shared);
  wipe(shared);
  fields.sealedStatic.set(seal(crypto, state, staticKey, local.publicKey));

  const timestampKey = mixKey(crypto, state, remote.staticShared);
  fields.sealedTimestamp.set(seal(crypto, state, timestampKey, input.timestamp));

  const handshake = {
    chainingKey: state.chainingKey,
    hash: state.hash,
    ephemeralPrivate: input.ephemeralPrivate.slice(),
    remoteEphemeral: NOTHING,
    initiatorIndex: input.senderIndex,
  };
  return { message, handshake };
}

/**
 * 5.4.2, responder. Undefined unless the message is authentic and `findRemote` knows its sender. The caller still has to
 * refuse a timestamp that is not greater than the greatest seen from this peer.
 */
export function consumeInitiation(
  crypto: CryptoProvider,
  local: StaticKeys,
  message: Uint8Array,
  findRemote: (publicKey: PublicKey) => RemoteStatic | undefined,
): { remote: RemoteStatic; timestamp: Uint8Array; handshake: Handshake } | undefined {
  if (message.length !== INITIATION_BYTES) return undefined;
  const fields = initiationFields(message);
  const state = startTranscript(crypto, local.publicKey);
  mixEphemeral(crypto, state, fields.ephemeral);

  const shared = crypto.dh(local.privateKey, fields.ephemeral);
  if (shared === undefined) return refuse(state);
  const staticKey = mixKey(crypto, state, shared);
  wipe(shared);
  const remotePublicKey = open(crypto, state, staticKey, fields.sealedStatic);
  if (remotePublicKey === undefined) return refuse(state);

  const remote = findRemote(remotePublicKey as PublicKey); // 48 sealed bytes were 32
  if (remote === undefined) return refuse(state);
  const timestampKey = mixKey(crypto, state, remote.staticShared);
  const timestamp = open(crypto, state, timestampKey, fields.sealedTimestamp);
  if (timestamp === undefined) return refuse(state);

  const handshake = {
    chainingKey: state.chainingKey,
    hash: state.hash,
    ephemeralPrivate: NOTHING,
    remoteEphemeral: fields.ephemeral.slice(),
    initiatorIndex: senderIndex(message),
  };
  return { remote, timestamp, handshake };
}

/** 5.4.3 and 5.4.5, responder. Uses the handshake up and wipes it. The MACs of `message` are still to be written. */
export function createResponse(
  crypto: CryptoProvider,
  handshake: Handshake,
  remote: RemoteStatic,
  input: { senderIndex: number; ephemeralPrivate: PrivateKey },
): { message: Uint8Array; keys: TransportKeys; remoteIndex: number } {
  const message = newResponse(input.senderIndex, handshake.initiatorIndex);
  const fields = responseFields(message);
  const state = continueTranscript(handshake);

  fields.ephemeral.set(crypto.publicKey(input.ephemeralPrivate));
  mixEphemeral(crypto, state, fields.ephemeral);

  const ephemeralShared = crypto.dh(input.ephemeralPrivate, handshake.remoteEphemeral);
  if (ephemeralShared === undefined) throw new RangeError('"handshake" has a low-order ephemeral key');
  mixSecret(crypto, state, ephemeralShared);
  mixSecret(crypto, state, sharedWithPeer(crypto, input.ephemeralPrivate, remote));

  const nothingKey = mixPresharedKey(crypto, state, remote.presharedKey);
  fields.sealedNothing.set(seal(crypto, state, nothingKey, NOTHING));

  const [receive, send] = splitKeys(crypto, state);
  wipeHandshake(handshake);
  return { message, keys: { send, receive }, remoteIndex: handshake.initiatorIndex };
}

/** 5.4.3 and 5.4.5, initiator. Undefined leaves the handshake as it was; success wipes it. */
export function consumeResponse(
  crypto: CryptoProvider,
  local: StaticKeys,
  remote: RemoteStatic,
  handshake: Handshake,
  message: Uint8Array,
): { keys: TransportKeys; remoteIndex: number } | undefined {
  if (message.length !== RESPONSE_BYTES) return undefined;
  const fields = responseFields(message);
  const state = continueTranscript(handshake);
  mixEphemeral(crypto, state, fields.ephemeral);

  const ephemeralShared = crypto.dh(handshake.ephemeralPrivate, fields.ephemeral);
  if (ephemeralShared === undefined) return refuse(state);
  mixSecret(crypto, state, ephemeralShared);
  const staticShared = crypto.dh(local.privateKey, fields.ephemeral);
  if (staticShared === undefined) return refuse(state);
  mixSecret(crypto, state, staticShared);

  const nothingKey = mixPresharedKey(crypto, state, remote.presharedKey);
  if (open(crypto, state, nothingKey, fields.sealedNothing) === undefined) return refuse(state);

  const [send, receive] = splitKeys(crypto, state);
  wipeHandshake(handshake);
  return { keys: { send, receive }, remoteIndex: senderIndex(message) };
}

/** Erases the secrets of a handshake that came to nothing. */
export function wipeHandshake(handshake: Handshake): void {
  wipe(handshake.chainingKey, handshake.hash, handshake.ephemeralPrivate);
}

/** C and H. Every step replaces both arrays; the old chaining key is wiped. */
interface Transcript {
  chainingKey: Uint8Array;
  hash: Uint8Array;
}

function startTranscript(crypto: CryptoProvider, responder: PublicKey): Transcript {
  const chainingKey = crypto.hash(encodeUtf8(CONSTRUCTION));
  const identified = crypto.hash(chainingKey, encodeUtf8(IDENTIFIER));
  return { chainingKey, hash: crypto.hash(identified, responder) };
}

function continueTranscript(handshake: Handshake): Transcript {
  return { chainingKey: handshake.chainingKey.slice(), hash: handshake.hash };
}

/** C = Kdf1(C, E pub), H = Hash(H || E pub). */
function mixEphemeral(crypto: CryptoProvider, state: Transcript, ephemeral: Uint8Array): void {
  replaceChainingKey(state, kdf1(crypto, state.chainingKey, ephemeral));
  state.hash = crypto.hash(state.hash, ephemeral);
}

/** (C, k) = Kdf2(C, shared). */
function mixKey(crypto: CryptoProvider, state: Transcript, shared: Uint8Array): Uint8Array {
  const [chainingKey, key] = kdf2(crypto, state.chainingKey, shared);
  replaceChainingKey(state, chainingKey);
  return key;
}

/** C = Kdf1(C, shared). Wipes the shared secret. */
function mixSecret(crypto: CryptoProvider, state: Transcript, shared: Uint8Array): void {
  replaceChainingKey(state, kdf1(crypto, state.chainingKey, shared));
  wipe(shared);
}

/** (C, t, k) = Kdf3(C, Q), H = Hash(H || t). */
function mixPresharedKey(crypto: CryptoProvider, state: Transcript, presharedKey: PresharedKey): Uint8Array {
  const [chainingKey, temporary, key] = kdf3(crypto, state.chainingKey, presharedKey);
  replaceChainingKey(state, chainingKey);
  state.hash = crypto.hash(state.hash, temporary);
  wipe(temporary);
  return key;
}

/** Aead(k, 0, plaintext, H), then H = Hash(H || sealed). Wipes the key: each is used once. */
function seal(crypto: CryptoProvider, state: Transcript, key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const sealed = crypto.sealWith(key, 0, plaintext, state.hash);
  state.hash = crypto.hash(state.hash, sealed);
  wipe(key);
  return sealed;
}

function open(crypto: CryptoProvider, state: Transcript, key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  const plaintext = crypto.openWith(key, 0, sealed, state.hash);
  state.hash = crypto.hash(state.hash, sealed);
  wipe(key);
  return plaintext;
}

/** The initiator's sending key first. Uses the transcript up. */
function splitKeys(crypto: CryptoProvider, state: Transcript): [Uint8Array, Uint8Array] {
  const keys = kdf2(crypto, state.chainingKey, NOTHING);
  wipe(state.chainingKey);
  return keys;
}

/** Not zero: createRemoteStatic has refused the low-order keys, and no clamped scalar is a multiple of the group's order. */
function sharedWithPeer(crypto: CryptoProvider, privateKey: PrivateKey, remote: RemoteStatic): Uint8Array {
  const shared = crypto.dh(privateKey, remote.publicKey);
  if (shared === undefined) throw new RangeError('"remote" has a low-order public key');
  return shared;
}

function replaceChainingKey(state: Transcript, chainingKey: Uint8Array): void {
  wipe(state.chainingKey);
  state.chainingKey = chainingKey;
}

function refuse(state: Transcript): undefined {
  wipe(state.chainingKey);
  return undefined;
}

function labelledKeys(crypto: CryptoProvider, publicKey: PublicKey): { mac1Key: Uint8Array; cookieKey: Uint8Array } {
  return {
    mac1Key: crypto.hash(encodeUtf8(LABEL_MAC1), publicKey),
    cookieKey: crypto.hash(encodeUtf8(LABEL_COOKIE), publicKey),
  };
}
