/**
 * The TUN port of a tunnel with a data plane: the outbound workers read the interface, and what they cannot send comes from their
 * rings. Everything else is the TUN's.
 */
import type { Tun, TunEvent } from '../../../src/tunnel/ports.ts';
import { GONE_RECORD, PACKET_RECORD } from '../../../src/plane/records.ts';
import type { RingReader, RingReaders } from '../../../src/plane/ring.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../../src/offload/virtio-net-header.ts';
import type { Ffi } from '../ffi.ts';
import { loadLibc, type Libc } from '../libc.ts';
import { Memory } from '../memory.ts';
import type { TunQueues } from './tun-queues.ts';

const LARGEST_PACKET = 65_535;

export interface FastTunParts {
  ffi: Ffi;
  queues: TunQueues;
  rings: RingReaders;
  /** Any other record of the rings. */
  onRecord: (ring: RingReader) => void;
  /** Returns when no worker holds the descriptors any more. */
  letGo: (descriptors: readonly number[]) => void;
}

export class FastTun implements Tun {
  readonly #parts: FastTunParts;
  readonly #libc: Libc;
  readonly #packet: Memory;
  #isUp = false;
  #onReadable: () => void = () => {};
  #onEvent: (event: TunEvent) => void = () => {};

  constructor(parts: FastTunParts) {
    this.#parts = parts;
    this.#libc = loadLibc(parts.ffi);
    this.#packet = new Memory(parts.ffi, VIRTIO_NET_HEADER_BYTES + LARGEST_PACKET);
  }

  get name(): string {
    return this.#parts.queues.tun.name;
  }

  get mtu(): number {
    return this.#parts.queues.tun.mtu;
  }

  read(buffer: Uint8Array, offset: number): number {
    const { rings, onRecord } = this.#parts;
    for (let ring = rings.next(); ring !== undefined; ring = rings.next()) {
      if (ring.kind === PACKET_RECORD) {
        if (!this.#isUp) this.refresh(); // packets come, so it is not as we know it
        return ring.copyTo(buffer, offset);
      }
      if (ring.kind === GONE_RECORD) queueMicrotask(() => this.#onEvent({ type: 'gone' }));
      else onRecord(ring);
    }
    return -1;
  }

  write(buffer: Uint8Array, offset: number, length: number): boolean {
    const { bytes } = this.#packet;
    // The header stays what it is: zeros, a packet that is complete.
    bytes.set(buffer.subarray(offset, offset + length), VIRTIO_NET_HEADER_BYTES);
    const whole = VIRTIO_NET_HEADER_BYTES + length;
    return this.#libc.write(this.#parts.queues.writeFd, this.#packet.at(0), this.#parts.ffi.size(whole)) === whole;
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  onEvent(listener: (event: TunEvent) => void): void {
    this.#onEvent = listener;
    this.#parts.queues.tun.onEvent((event) => {
      if (event.type === 'up' || event.type === 'down') this.#isUp = event.type === 'up';
      listener(event);
    });
  }

  refresh(): void {
    this.#parts.queues.tun.refresh();
  }

  /** The workers call by themselves. */
  rearm(): void {}

  /** An outbound worker has called. */
  wake(): void {
    this.#onReadable();
  }

  close(): Promise<void> {
    const { queues, letGo } = this.#parts;
    letGo([...queues.readFds, queues.writeFd]);
    return queues.close();
  }
}
