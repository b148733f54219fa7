/** A TUN without a kernel: the test, or another program in this process, plays the host on its other side. */
import type { Tun, TunEvent } from './ports.ts';

export class MemoryTun implements Tun {
  readonly name: string;
  readonly #toTunnel: Uint8Array[] = [];
  readonly #toHost: Uint8Array[] = [];
  #mtu: number;
  #isUp = false;
  #isClosed = false;
  #isArmed = false;
  #onReadable: () => void = () => {};
  #onEvent: (event: TunEvent) => void = () => {};
  #onHostReadable: () => void = () => {};

  constructor({ name = 'mem0', mtu = 1420 }: { name?: string; mtu?: number } = {}) {
    this.name = name;
    this.#mtu = mtu;
  }

  // The tunnel's side.

  get mtu(): number {
    return this.#mtu;
  }

  read(buffer: Uint8Array, offset: number): number {
    const packet = this.#toTunnel.shift();
    if (packet === undefined) return -1;
    // As a TUN does: what does not fit is cut off.
    const length = Math.min(packet.length, buffer.length - offset);
    buffer.set(packet.subarray(0, length), offset);
    return length;
  }

  write(buffer: Uint8Array, offset: number, length: number): boolean {
    if (!this.#isUp || this.#isClosed) return false;
    this.#toHost.push(buffer.slice(offset, offset + length));
    this.#onHostReadable();
    return true;
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  onEvent(listener: (event: TunEvent) => void): void {
    this.#onEvent = listener;
    if (this.#isUp) queueMicrotask(() => this.#emit('up'));
  }

  /** Every change is told when it is made. */
  refresh(): void {}

  rearm(): void {
    this.#isArmed = true;
    if (this.#toTunnel.length > 0) this.#wake();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  // The host's side.

  /** The host sends a packet through the interface. It is lost when that is down. */
  send(packet: Uint8Array): void {
    if (!this.#isUp || this.#isClosed) return;
    this.#toTunnel.push(packet.slice());
    this.#wake();
  }

  /** The next packet that the tunnel wrote. */
  receive(): Uint8Array | undefined {
    return this.#toHost.shift();
  }

  onHostReadable(listener: () => void): void {
    this.#onHostReadable = listener;
  }

  setLink(state: 'up' | 'down'): void {
    if (this.#isUp === (state === 'up')) return;
    this.#isUp = state === 'up';
    this.#emit(state);
  }

  setMtu(mtu: number): void {
    this.#mtu = mtu;
    this.#emit('mtu');
  }

  /** The interface is deleted. */
  remove(): void {
    this.#isUp = false;
    this.#emit('gone');
  }

  #emit(type: TunEvent['type']): void {
    if (!this.#isClosed) this.#onEvent({ type });
  }

  /** Once for each `rearm`, and never from within a call of the tunnel's. */
  #wake(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    queueMicrotask(() => {
      if (!this.#isClosed) this.#onReadable();
    });
  }
}
