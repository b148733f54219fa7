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

export interface GetOptions {
  /** The UAPI does not tell a tunnel's own public key; without this it stays undefined. */
  derivePublicKey?: (privateKey: PrivateKey) => PublicKey;
  interfaceIndex?: InterfaceIndex;
}

/** Reads the answer to `get=1`. Throws UserError when it carries an error or is malformed. */
export function parseGet(text: string, options: GetOptions = {}): TunnelState {
  expectSuccess(text);
  const state: TunnelState = {
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

function readDeviceKey(state: TunnelState, key: string, value: string, options: GetOptions): void {
  if (key === 'private_key') {
    const privateKey = required(key, parsePrivateKeyHex(value));
    if (isNoKey(privateKey)) return;
    state.privateKey = privateKey;
    state.publicKey = options.derivePublicKey?.(privateKey);
  } else if (key === 'listen_port') state.listenPort = required(key, parseUint(value, 0xffff));
  else if (key === 'fwmark') state.fwmark = required(key, parseUint(value, 0xffff_ffff));
}

function readPeerKey(peer: PeerState, key: string, value: string, options: GetOptions): void {
  if (key === 'preshared_key') peer.presharedKey = required(key, parsePresharedKeyHex(value));
  else if (key === 'endpoint') peer.endpoint = required(key, parseEndpoint(value, options.interfaceIndex));
  else if (key === 'last_handshake_time_sec') peer.latestHandshakeMs += 1000 * count(key, value);
  else if (key === 'last_handshake_time_nsec') peer.latestHandshakeMs += Math.floor(count(key, value) / 1e3) / 1e3; // more would round up to the next second
  else if (key === 'tx_bytes') peer.txBytes = count(key, value);
  else if (key === 'rx_bytes') peer.rxBytes = count(key, value);
  else if (key === 'persistent_keepalive_interval') peer.persistentKeepalive = required(key, parseUint(value, 0xffff));
  else if (key === 'allowed_ip') peer.allowedIps.push(maskCidr(required(key, parseCidr(value))));
}

function newPeer(publicKey: PublicKey): PeerState {
  return {
    publicKey,
    presharedKey: new Uint8Array(KEY_BYTES) as PresharedKey, // all zero: none
    endpoint: undefined,
    latestHandshakeMs: 0,
    rxBytes: 0,
    txBytes: 0,
    persistentKeepalive: 0,
    allowedIps: [],
  };
}

function* pairs(text: string): Generator<[key: string, value: string]> {
  for (const line of text.split('\n')) {
    const split = line.indexOf('=');
    if (split > 0) yield [line.slice(0, split), line.slice(split + 1)];
  }
}

/** 64 bits; beyond 2^53 it is rounded, which no unit of wg(8) shows. */
function count(key: string, value: string): number {
  return required(key, /^\d{1,20}$/.test(value) ? Number(value) : undefined);
}

/** Negative, as format-get.ts explains; other implementations write it without the sign. */
function parseErrnoValue(value: string): number | undefined {
  return parseUint(value.replace(/^-/, ''), 0xffff);
}

function required<T>(key: string, value: T | undefined): T {
  if (value === undefined) throw new UserError(`the tunnel answered with a malformed "${key}"`, { errno: EPROTO });
  return value;
}
