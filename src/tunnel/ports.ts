/**
 * The two ports of a tunnel: a TUN device and a UDP socket. Both are non-blocking; `readable` tells when to come back.
 * The memory fakes live beside this file; runtime/linux has the real ones.
 */
import type { Endpoint } from '../peer/endpoint.ts';

export interface TunEvent {
  /** `down` when the interface is not up, `gone` when it was deleted. */
  type: 'up' | 'down' | 'mtu' | 'gone';
}

export interface Tun {
  readonly name: string;
  /** Largest inner packet, in bytes. May change while the tunnel runs. */
  readonly mtu: number;
  /** Reads one IP packet into `buffer` at `offset`. Its length, or -1 when there is none now. */
  read(buffer: Uint8Array, offset: number): number;
  /** Writes one IP packet. False when the kernel refused it (interface down, no memory): the packet is dropped. */
  write(buffer: Uint8Array, offset: number, length: number): boolean;
  /** One listener each; called when reads may succeed again. */
  onReadable(listener: () => void): void;
  onEvent(listener: (event: TunEvent) => void): void;
  /** Tells the listener now what has become of the interface, so that whoever has just changed it finds that it has its effect. */
  refresh(): void;
  /** Says that the last `read` gave -1 and the listener wants to be called once more data is there. */
  rearm(): void;
  close(): Promise<void>;
}

/** Where a received datagram came from; one object, filled anew by each `receive`. */
export interface DatagramSource {
  readonly from: Endpoint;
  /** ECN bits (0..3) of the outer header. */
  ecn: number;
  /** Did not fit the buffer: drop it. */
  truncated: boolean;
}

export interface Udp {
  /** The bound port, which both families share; 0 while there is none. */
  readonly port: number;
  /** Binds `port` (0 chooses one) in place of the port before. Throws when it cannot; the port before then stays. */
  bind(port: number): void;
  /** Closes until the next `bind`: nothing is received or sent. */
  unbind(): void;
  setFwmark(mark: number): void;
  /** Reads one datagram. Its length (0 is possible), or -1 when there is none now. */
  receive(buffer: Uint8Array, offset: number, source: DatagramSource): number;
  /**
   * Sends one datagram from `to`'s sticky source when it has one. When the kernel says that this source is not ours any
   * more, clears it and sends once more. False when it could not be sent.
   */
  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint, ecn: number): boolean;
  onReadable(listener: () => void): void;
  rearm(): void;
  close(): Promise<void>;
}
