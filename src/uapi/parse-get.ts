/**
 * Answers as one who asks a tunnel reads them. The tunnel may be another implementation's: keys that are not known are
 * passed over, what is known must be well formed.
 */
import { maskCidr, parseCidr } from '../ip.ts';
import { UserError } from '../errors.ts';
import {
  isNoKey,
  KEY_BYTES,
  parsePresharedKeyHex,
  parsePrivateKeyHex,
  parsePublicKeyHex,
  type PresharedKey,
  type PrivateKey,
  type PublicKey,
} from '../keys.ts';
import type { PeerState } from '../device/contract.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { parseEndpoint, type InterfaceIndex } from './endpoint.ts';
import { describeErrno, EPROTO, OK } from './errno.ts';
import { parseUint } from './number.ts';

const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

export interface GetOptions {
  /** The UAPI does not tell a tunnel's own public key; without this it stays undefined. */
  derivePublicKey?: (privateKey: PrivateKey) => PublicKey;
  interfaceIndex?: InterfaceIndex;
}

/** A peer, with the numbers of 64 bits as they were told: beyond 2^53 the others are rounded. */
export interface PeerAnswer extends PeerState {
  /** In decimal. */
  exact: { rxBytes: string; txBytes: string; /** In seconds. */ latestHandshake: string };
}

export interface GetAnswer extends TunnelState {
  peers: PeerAnswer[];
}

/** Reads the answer to `get=1`. Throws UserError when it carries an error or is malformed. */
export function parseGet(text: string, options: GetOptions = {}): GetAnswer {
  expectSuccess(text);
  const state: GetAnswer = {
    privateKey: undefined,
    publicKey: undefined,
    listenPort: 0,
    fwmark: 0,
    peers: [],
    drops: {},
  };
  for (const [key, value] of pairs(text)) {
    const peer = state.peers.at(-1);
    if (key === 'public_key') state.peers.push(newPeer(required(key, parsePublicKeyHex(value))));
    else if (peer === undefined) readDeviceKey(state, key, value, options);
    else readPeerKey(peer, key, value, options);
  }
  return state;
}

/** The `errno` of an answer. Throws UserError when there is none: that is no answer of the UAPI. */
export function parseErrno(text: string): number {
  for (const [key, value] of pairs(text)) if (key === 'errno') return required(key, parseErrnoValue(value));
  throw new UserError('the tunnel answered without an errno', { errno: EPROTO });
}

/** Throws UserError unless the answer carries `errno=0`. */
export function expectSuccess(text: string): void {
  const errno = parseErrno(text);
  if (errno !== OK) throw new UserError(`the tunnel refused with errno ${describeErrno(errno)}`, { errno });
}

function readDeviceKey(state: GetAnswer, key: string, value: string, options: GetOptions): void {
  if (key === 'private_key') {
    const privateKey = required(key, parsePrivateKeyHex(value));
    if (isNoKey(privateKey)) return;
    state.privateKey = privateKey;
    state.publicKey = options.derivePublicKey?.(privateKey);
  } else if (key === 'listen_port') state.listenPort = required(key, parseUint(value, 0xffff));
  else if (key === 'fwmark') state.fwmark = required(key, parseUint(value, 0xffff_ffff));
}

function readPeerKey(peer: PeerAnswer, key: string, value: string, options: GetOptions): void {
  if (key === 'preshared_key') peer.presharedKey = required(key, parsePresharedKeyHex(value));
  else if (key === 'endpoint') peer.endpoint = required(key, parseEndpoint(value, options.interfaceIndex));
  else if (key === 'last_handshake_time_sec') {
    peer.exact.latestHandshake = count(key, value, MAX_INT64);
    peer.latestHandshakeMs += 1000 * Number(value);
  } else if (key === 'last_handshake_time_nsec')
    peer.latestHandshakeMs += Math.floor(Number(count(key, value, MAX_INT64)) / 1e3) / 1e3; // more would round up to the next second
  else if (key === 'tx_bytes') peer.txBytes = Number((peer.exact.txBytes = count(key, value, MAX_UINT64)));
  else if (key === 'rx_bytes') peer.rxBytes = Number((peer.exact.rxBytes = count(key, value, MAX_UINT64)));
  else if (key === 'persistent_keepalive_interval') peer.persistentKeepalive = required(key, parseUint(value, 0xffff));
  else if (key === 'allowed_ip') peer.allowedIps.push(maskCidr(required(key, parseCidr(value))));
}

function newPeer(publicKey: PublicKey): PeerAnswer {
  return {
    publicKey,
    presharedKey: new Uint8Array(KEY_BYTES) as PresharedKey, // all zero: none
    endpoint: undefined,
    latestHandshakeMs: 0,
    rxBytes: 0,
    txBytes: 0,
    persistentKeepalive: 0,
    allowedIps: [],
    exact: { rxBytes: '0', txBytes: '0', latestHandshake: '0' },
  };
}

function* pairs(text: string): Generator<[key: string, value: string]> {
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (split > 0) yield [line.slice(0, split), line.slice(split + 1)];
  }
}

/** In decimal, without zeros in front. */
function count(key: string, value: string, max: bigint): string {
  const number = /^\d{1,20}$/.test(value) ? BigInt(value) : undefined;
  return required(key, number !== undefined && number <= max ? String(number) : undefined);
}

/** Negative, as format-get.ts explains; other implementations write it without the sign. */
function parseErrnoValue(value: string): number | undefined {
  return parseUint(value.replace(/^-/, ''), 0xffff);
}

function required<T>(key: string, value: T | undefined): T {
  if (value === undefined) throw new UserError(`the tunnel answered with a malformed "${key}"`, { errno: EPROTO });
  return value;
}
