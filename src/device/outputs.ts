/**
 * The queue between `handle*()` and `poll()`: a ring of output objects that are filled anew and never thrown away, so
 * that no packet allocates. It grows to the most outputs that one call has made: 128 staged packets, or a keepalive per peer.
 */
import { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import type { DatagramOutput, DropOutput, DropReason, Output, PacketOutput } from './contract.ts';

interface Slot {
  readonly datagram: DatagramOutput;
  readonly packet: PacketOutput;
  readonly drop: DropOutput;
  /** The one of the three that is filled. */
  output: Output;
}

const NO_BYTES = new Uint8Array(0);
const NOWHERE = new Endpoint();

export class OutputQueue {
  #ring: Slot[] = [];
  /** The slot that the latest `take` gave out stays occupied until the next one. */
  #head = 0;
  #length = 0;
  #isTaken = false;

  datagram(buffer: Uint8Array, offset: number, length: number, to: Endpoint, ecn: number, peer?: Peer): void {
    const slot = this.#append();
    const { datagram } = slot;
    datagram.buffer = buffer;
    datagram.offset = offset;
    datagram.length = length;
    datagram.to = to;
    datagram.ecn = ecn;
    datagram.peer = peer;
    slot.output = datagram;
  }

  packet(buffer: Uint8Array, offset: number, length: number): void {
    const slot = this.#append();
    const { packet } = slot;
    packet.buffer = buffer;
    packet.offset = offset;
    packet.length = length;
    slot.output = packet;
  }

  drop(reason: DropReason): void {
    const slot = this.#append();
    slot.drop.reason = reason;
    slot.output = slot.drop;
  }

  take(): Output | undefined {
    if (this.#isTaken) this.#release();
    if (this.#length === 0) return undefined;
    this.#isTaken = true;
    return this.#ring[this.#head]!.output;
  }

  /** Forgets what was not taken. */
  clear(): void {
    this.#isTaken = false;
    while (this.#length > 0) this.#release();
  }

  /** Frees the slot at the head and lets go of its buffer, which may be a staged packet's. */
  #release(): void {
    const slot = this.#ring[this.#head]!; // occupied
    slot.datagram.buffer = NO_BYTES;
    slot.datagram.to = NOWHERE;
    slot.datagram.peer = undefined;
    slot.packet.buffer = NO_BYTES;
    this.#head = (this.#head + 1) % this.#ring.length;
    this.#length--;
    this.#isTaken = false;
  }

  #append(): Slot {
    if (this.#length === this.#ring.length) this.#grow();
    const slot = this.#ring[(this.#head + this.#length) % this.#ring.length]!;
    this.#length++;
    return slot;
  }

  #grow(): void {
    const inOrder = [...this.#ring.slice(this.#head), ...this.#ring.slice(0, this.#head)];
    const added = Math.max(8, inOrder.length);
    this.#ring = [...inOrder, ...Array.from({ length: added }, createSlot)];
    this.#head = 0;
  }
}

function createSlot(): Slot {
  const drop: DropOutput = { type: 'drop', reason: 'bad-length' };
  return {
    datagram: { type: 'datagram', buffer: NO_BYTES, offset: 0, length: 0, to: NOWHERE, ecn: 0, peer: undefined },
    packet: { type: 'packet', buffer: NO_BYTES, offset: 0, length: 0 },
    drop,
    output: drop,
  };
}
