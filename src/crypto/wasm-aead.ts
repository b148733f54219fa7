/**
 * ChaCha20-Poly1305 in SIMD WebAssembly (src/wasm/aead.ts), for machines without libcrypto: several times as fast as noble. The
 * other primitives are those of the provider that it is built on, since they are used per handshake only.
 */
import { decodeBase64 } from '../bytes.ts';
import { expectBytes } from '../errors.ts';
import { type Aead, type CryptoProvider, TAG_BYTES } from './port.ts';
import { AEAD_WASM } from './wasm-module.ts';

const PAGE_BYTES = 65_536;
const KEY_BYTES = 32;
/** Layout of the module's memory: its scratch, one packet with scratch behind it, and the keys, which grow. */
const WORK = 0;
const DATA = 512;
const BEHIND_DATA = 48;
const KEYS = 2 * PAGE_BYTES;
/** The longest IP packet, padded, and more. */
const LONGEST = KEYS - DATA - BEHIND_DATA;
/** The keys of some 300,000 keypairs. */
const MOST_PAGES = 320;

type Run<Result> = (
  key: number,
  work: number,
  data: number,
  length: number,
  counterLow: number,
  counterHigh: number,
) => Result;

interface Exports {
  seal: Run<void>;
  open: Run<number>;
}

/** Undefined where there is no WebAssembly, or none with SIMD. `rest`: the provider of all but `createAead`. */
export function createWasmCrypto(rest: CryptoProvider): CryptoProvider | undefined {
  const code = new Uint8Array(decodeBase64(AEAD_WASM) ?? []);
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined;
  const module = new AeadModule(code);
  return { ...rest, name: 'wasm', createAead: (key) => new WasmAead(module, key) };
}

/**
 * The instance and its memory. Keys are kept there and not in arrays of JavaScript, which the collector moves: what is erased
 * is gone.
 */
class AeadModule {
  readonly exports: Exports;
  bytes: Uint8Array;
  readonly #memory: WebAssembly.Memory;
  readonly #freeKeys: number[] = [];
  #keysEnd = KEYS;

  constructor(code: Uint8Array<ArrayBuffer>) {
    this.#memory = new WebAssembly.Memory({ initial: KEYS / PAGE_BYTES + 1, maximum: MOST_PAGES });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory: this.#memory } });
    // test/offload/wasm-module.test.ts holds the module to its source, whose exports these are.
    this.exports = exports as unknown as Exports;
    this.bytes = new Uint8Array(this.#memory.buffer);
  }

  /** Where the key is from now on. */
  addKey(key: Uint8Array): number {
    const at = this.#freeKeys.pop() ?? this.#newKey();
    this.bytes.set(key, at);
    return at;
  }

  eraseKey(at: number): void {
    this.bytes.fill(0, at, at + KEY_BYTES);
    this.#freeKeys.push(at);
  }

  #newKey(): number {
    const at = this.#keysEnd;
    if (at === this.bytes.length) {
      this.#memory.grow(1);
      this.bytes = new Uint8Array(this.#memory.buffer);
    }
    this.#keysEnd += KEY_BYTES;
    return at;
  }
}

class WasmAead implements Aead {
  readonly #module: AeadModule;
  /** Undefined when it is erased. */
  #key: number | undefined;

  constructor(module: AeadModule, key: Uint8Array) {
    expectBytes('key', key, KEY_BYTES);
    this.#module = module;
    this.#key = module.addKey(key);
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    const key = this.#load(buffer, offset, length);
    const { exports, bytes } = this.#module;
    exports.seal(key, WORK, DATA, length, counter >>> 0, Math.floor(counter / 0x1_0000_0000));
    buffer.set(bytes.subarray(DATA, DATA + length + TAG_BYTES), offset);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    const key = this.#load(buffer, offset, length + TAG_BYTES);
    const { exports, bytes } = this.#module;
    const high = Math.floor(counter / 0x1_0000_0000);
    if (exports.open(key, WORK, DATA, length, counter >>> 0, high) === 0) return false;
    buffer.set(bytes.subarray(DATA, DATA + length), offset);
    return true;
  }

  destroy(): void {
    if (this.#key !== undefined) this.#module.eraseKey(this.#key);
    this.#key = undefined;
  }

  /** Copies the packet in. Returns where the key is. */
  #load(buffer: Uint8Array, offset: number, length: number): number {
    if (this.#key === undefined) throw new Error('This AEAD was destroyed: its key is gone.');
    if (length > LONGEST) throw new RangeError(`a packet has at most ${LONGEST} bytes, got ${length}`);
    this.#module.bytes.set(buffer.subarray(offset, offset + length), DATA);
    return this.#key;
  }
}
