/**
 * `set=1` as a tunnel reads it: https://www.wireguard.com/xplatform/, with the answers that wireguard-go gives.
 *
 * Lines come in one by one, so that a set of a hundred thousand prefixes never has to be one string. The first mistake
 * decides the answer; the change is applied as a whole or not at all. A reason names the key, never its value: it may be
 * a secret, and reasons are logged. So it names no key either that does not look like one: it may be a secret by mistake.
 */
import { maskCidr, parseCidr } from '../ip.ts';
import { isNoKey, parsePresharedKeyHex, parsePrivateKeyHex, parsePublicKeyHex } from '../keys.ts';
import type { AllowedIpChange, PeerChange } from '../device/contract.ts';
import type { TunnelChange } from '../tunnel/state.ts';
import { parseEndpoint, type InterfaceIndex } from './endpoint.ts';
import { EINVAL, EPROTO } from './errno.ts';
import { parseUint } from './number.ts';

export type ParsedSet = { change: TunnelChange } | { errno: number; reason: string };

export interface SetOptions {
  interfaceIndex?: InterfaceIndex;
}

/** No key of 32 bytes does, neither in base64 nor in hexadecimal. */
const LOOKS_LIKE_A_KEY = /^[a-z_]{1,40}$/;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenPeer = Mutable<PeerChange> & { allowedIps: AllowedIpChange[] };
/** False when the value is not one of its key. */
type Setter<T> = (target: T, value: string, options: SetOptions) => boolean;

export class SetParser {
  readonly #options: SetOptions;
  readonly #peers: OpenPeer[] = [];
  readonly #change: Mutable<TunnelChange> = { peers: this.#peers };
  #failure: { errno: number; reason: string } | undefined;

  constructor(options: SetOptions = {}) {
    this.#options = options;
  }

  /** One line without its newline, after `set=1` and before the empty line that ends the request. */
  line(text: string): void {
    if (this.#failure !== undefined) return;
    const split = text.indexOf('=');
    if (split < 0) this.#failure = { errno: EPROTO, reason: 'a line without "="' };
    else this.#pair(text.slice(0, split), text.slice(split + 1));
  }

  finish(): ParsedSet {
    return this.#failure ?? { change: this.#change };
  }

  #pair(key: string, value: string): void {
    const peer = this.#peers.at(-1);
    let done: boolean | undefined;
    if (key === 'public_key') done = this.#startPeer(value);
    else if (peer === undefined) done = DEVICE_KEYS.get(key)?.(this.#change, value, this.#options);
    else done = PEER_KEYS.get(key)?.(peer, value, this.#options);
    if (done === true) return;
    const what = done === false ? 'invalid value for' : `unknown ${peer === undefined ? 'device' : 'peer'} key`;
    this.#failure = { errno: EINVAL, reason: LOOKS_LIKE_A_KEY.test(key) ? `${what} "${key}"` : what };
  }

  #startPeer(value: string): boolean {
    const publicKey = parsePublicKeyHex(value);
    if (publicKey === undefined) return false;
    this.#peers.push({ publicKey, allowedIps: [] });
    return true;
  }
}

/** The whole request in one string, with or without its first and last lines. */
export function parseSet(text: string, options: SetOptions = {}): ParsedSet {
  const parser = new SetParser(options);
  for (const line of text.replace(/^set=1\n/, '').split('\n')) if (line !== '') parser.line(line);
  return parser.finish();
}

const DEVICE_KEYS: ReadonlyMap<string, Setter<Mutable<TunnelChange>>> = new Map([
  [
    'private_key',
    (change, value) => {
      const key = parsePrivateKeyHex(value);
      if (key === undefined) return false;
      change.privateKey = isNoKey(key) ? null : key;
      return true;
    },
  ],
  ['listen_port', (change, value) => assignUint(change, 'listenPort', value, 0xffff)],
  ['fwmark', (change, value) => assignUint(change, 'fwmark', value, 0xffff_ffff)],
  ['replace_peers', (change, value) => assignTrue(change, 'replacePeers', value)],
]);

const PEER_KEYS: ReadonlyMap<string, Setter<OpenPeer>> = new Map([
  ['update_only', (peer, value) => assignTrue(peer, 'updateOnly', value)],
  ['remove', (peer, value) => assignTrue(peer, 'remove', value)],
  [
    'preshared_key',
    (peer, value) => {
      const key = parsePresharedKeyHex(value);
      if (key === undefined) return false;
      peer.presharedKey = key;
      return true;
    },
  ],
  [
    'endpoint',
    (peer, value, { interfaceIndex }) => {
      const endpoint = parseEndpoint(value, interfaceIndex);
      if (endpoint === undefined) return false;
      peer.endpoint = endpoint;
      return true;
    },
  ],
  ['persistent_keepalive_interval', (peer, value) => assignUint(peer, 'persistentKeepalive', value, 0xffff)],
  [
    // What came before it in the same request is replaced as well, since the keys apply in order.
    'replace_allowed_ips',
    (peer, value) => {
      peer.allowedIps = [];
      return assignTrue(peer, 'replaceAllowedIps', value);
    },
  ],
  [
    'allowed_ip',
    (peer, value) => {
      const remove = value.startsWith('-');
      const prefix = value.includes('/') ? parseCidr(remove ? value.slice(1) : value) : undefined;
      if (prefix === undefined) return false;
      peer.allowedIps.push(remove ? { cidr: maskCidr(prefix), remove } : { cidr: maskCidr(prefix) });
      return true;
    },
  ],
  ['protocol_version', (_, value) => value === '1'],
]);

/** The switches of the UAPI can only be switched on. */
function assignTrue<K extends string>(target: { [P in K]?: boolean }, key: K, value: string): boolean {
  if (value !== 'true') return false;
  target[key] = true;
  return true;
}

function assignUint<K extends string>(target: { [P in K]?: number }, key: K, value: string, max: number): boolean {
  const number = parseUint(value, max);
  if (number === undefined) return false;
  target[key] = number;
  return true;
}
