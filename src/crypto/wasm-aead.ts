/**
 * ChaCha20-Poly1305 in SIMD WebAssembly (wasm/aead.ts), for machines without libcrypto: several times as fast as noble. The
 * other primitives are those of the provider that it is built on, since they are used per handshake only.
 */
import { decodeBase64, wipe } from '../bytes.ts';
import { expectBytes } from '../errors.ts';
import { type Aead, type CryptoProvider, TAG_BYTES } from './port.ts';
import { AEAD_WASM } from './wasm-module.ts';

const PAGE_BYTES = 65_536;
const KEY_BYTES = 32;
/** Scratch of the module, and where in its memory the packet is; the module's own header says how much it needs. */
const WORK = 0;
const DATA = 512;
const BEHIND_DATA = 48;
/** The longest IP packet, padded: more than any datagram holds. */
const LONGEST = 2 * PAGE_BYTES - DATA - BEHIND_DATA;

interface Exports {
  seal: (work: number, data: number, length: number, counterLow: number, counterHigh: number) => void;
  open: (work: number, data: number, length: number, counterLow: number, counterHigh: number) => number;
}

interface AeadModule {
  exports: Exports;
  memory: Uint8Array;
}

/** Undefined where there is no WebAssembly, or none with SIMD. `rest`: the provider of all but `createAead`. */
export function createWasmCrypto(rest: CryptoProvider): CryptoProvider | undefined {
  const code = new Uint8Array(decodeBase64(AEAD_WASM) ?? []);
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(code)) return undefined;
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(code), { env: { memory } });
  // test/offload/wasm-module.test.ts holds the module to its source, whose exports these are.
  const exports = instance.exports as unknown as Exports;
  const module = { exports, memory: new Uint8Array(memory.buffer) };
  return { ...rest, name: 'wasm', createAead: (key) => new WasmAead(module, key) };
}

class WasmAead implements Aead {
  readonly #exports: Exports;
  readonly #memory: Uint8Array;
  readonly #key: Uint8Array;
  #destroyed = false;

  constructor({ exports, memory }: AeadModule, key: Uint8Array) {
    expectBytes('key', key, KEY_BYTES);
    this.#exports = exports;
    this.#memory = memory;
    this.#key = key.slice();
  }

  seal(counter: number, buffer: Uint8Array, offset: number, length: number): void {
    this.#load(buffer, offset, length);
    this.#exports.seal(WORK, DATA, length, counter >>> 0, Math.floor(counter / 0x1_0000_0000));
    buffer.set(this.#memory.subarray(DATA, DATA + length + TAG_BYTES), offset);
  }

  open(counter: number, buffer: Uint8Array, offset: number, length: number): boolean {
    this.#load(buffer, offset, length + TAG_BYTES);
    const high = Math.floor(counter / 0x1_0000_0000);
    if (this.#exports.open(WORK, DATA, length, counter >>> 0, high) === 0) return false;
    buffer.set(this.#memory.subarray(DATA, DATA + length), offset);
    return true;
  }

  destroy(): void {
    wipe(this.#key);
    this.#destroyed = true;
  }

  /** The module erases the key in its memory before it returns: it is there during a call only. */
  #load(buffer: Uint8Array, offset: number, length: number): void {
    if (this.#destroyed) throw new Error('This AEAD was destroyed: its key is gone.');
    if (length > LONGEST) throw new RangeError(`a packet has at most ${LONGEST} bytes, got ${length}`);
    this.#memory.set(buffer.subarray(offset, offset + length), DATA);
    this.#memory.set(this.#key, WORK);
  }
}
