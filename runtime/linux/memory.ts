/**
 * Memory that the kernel reads and writes: arrays that never move, so that their addresses are computed once.
 */
import type { Ffi, Handle } from './ffi.ts';

/** One block for structs, with its address; fields are set through the views, addresses through `setAddress`. */
export class Memory {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly address: number;
  readonly #ffi: Ffi;

  constructor(ffi: Ffi, length: number) {
    this.#ffi = ffi;
    this.bytes = new Uint8Array(length);
    this.view = new DataView(this.bytes.buffer);
    this.address = ffi.address(this.bytes);
  }

  /** What a `p` argument takes to point at `offset`. */
  at(offset: number): Handle {
    return this.#ffi.handle(this.address + offset);
  }

  setAddress(offset: number, address: number): void {
    this.setUint64(offset, address);
  }

  /** Up to 2^53, without a BigInt. */
  setUint64(offset: number, value: number): void {
    this.view.setUint32(offset, value >>> 0, true);
    this.view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** Below 2^53, as addresses are. */
  getUint64(offset: number): number {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * 0x1_0000_0000;
  }

  /** A C string; the caller knows that it fits. */
  setText(offset: number, text: string): void {
    const { written } = new TextEncoder().encodeInto(text, this.bytes.subarray(offset));
    this.bytes[offset + written] = 0;
  }

  text(offset: number, length: number): string {
    const end = this.bytes.indexOf(0, offset);
    const field = this.bytes.subarray(offset, end < 0 ? offset + length : Math.min(end, offset + length));
    return new TextDecoder().decode(field);
  }
}

/**
 * Addresses of other people's buffers. The last one is remembered, since a tunnel hands in the same arena for packet
 * after packet; remembering it also keeps it alive.
 */
export class AddressCache {
  readonly #ffi: Ffi;
  #buffer: Uint8Array | undefined;
  #address = 0;

  constructor(ffi: Ffi) {
    this.#ffi = ffi;
  }

  of(buffer: Uint8Array): number {
    if (buffer !== this.#buffer) {
      this.#address = this.#ffi.address(buffer);
      this.#buffer = buffer;
    }
    return this.#address;
  }
}
