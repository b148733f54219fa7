/**
 * The UDP port of a tunnel with a data plane: the inbound workers read the sockets, and what they do not open themselves comes from
 * their rings. Everything else is the UDP port's.
 */
import type { Endpoint } from '../../../src/peer/endpoint.ts';
import { ENDPOINT_WORDS, readEndpoint } from '../../../src/plane/endpoint-words.ts';
import { DATAGRAM_RECORD } from '../../../src/plane/records.ts';
import type { RingReader, RingReaders } from '../../../src/plane/ring.ts';
import type { DatagramSource, Udp } from '../../../src/tunnel/ports.ts';
import type { LinuxUdp, SocketPair } from '../udp.ts';

export interface FastUdpParts {
  udp: LinuxUdp;
  rings: RingReaders;
  /** Any other record of the rings. */
  onRecord: (ring: RingReader) => void;
  /** The sockets are these from now on. */
  onBound: (descriptors: readonly SocketPair[]) => void;
}

export class FastUdp implements Udp {
  readonly #parts: FastUdpParts;
  #onReadable: () => void = () => {};

  constructor(parts: FastUdpParts) {
    this.#parts = parts;
  }

  get port(): number {
    return this.#parts.udp.port;
  }

  bind(port: number): void {
    this.#parts.udp.bind(port);
    this.#parts.onBound(this.#parts.udp.descriptors);
  }

  unbind(): void {
    this.#parts.udp.unbind();
  }

  setFwmark(mark: number): void {
    this.#parts.udp.setFwmark(mark);
  }

  receive(buffer: Uint8Array, offset: number, source: DatagramSource): number {
    const { rings, onRecord } = this.#parts;
    for (let ring = rings.next(); ring !== undefined; ring = rings.next()) {
      if (ring.kind !== DATAGRAM_RECORD) {
        onRecord(ring);
        continue;
      }
      readEndpoint(ring.wordsAt(0, ENDPOINT_WORDS), 0, source.from);
      source.from.routing = this.#parts.udp.routing;
      source.ecn = ring.word(ENDPOINT_WORDS);
      source.truncated = ring.length > buffer.length - offset;
      return ring.copyTo(buffer, offset);
    }
    return -1;
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint, ecn: number): boolean {
    return this.#parts.udp.send(buffer, offset, length, to, ecn);
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  /** The workers call by themselves. */
  rearm(): void {}

  /** An inbound worker has called. */
  wake(): void {
    this.#onReadable();
  }

  close(): Promise<void> {
    return this.#parts.udp.close();
  }
}
