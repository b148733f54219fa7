/**
 * Packets that wait for a keypair (section 6.4): the latest 128 of a peer. The oldest is dropped for a new one, since
 * its sender has likely given it up.
 */
import { STAGED_PACKETS } from '../noise/constants.ts';

export interface StagedPacket {
  /** A copy, with the asked-for room around it. */
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly length: number;
}

/** Room before and behind each copy, in bytes: it is sealed in place later. */
export interface PacketRoom {
  headroom: number;
  tailroom: number;
}

export class StagedPackets {
  readonly #room: PacketRoom;
  readonly #ring: (StagedPacket | undefined)[] = [];
  #head = 0;
  #length = 0;

  constructor(room: PacketRoom) {
    this.#room = room;
  }

  get length(): number {
    return this.#length;
  }

  /** Copies a packet to the end of the queue. False when the oldest one had to go for it. */
  push(packet: Uint8Array, offset: number, length: number): boolean {
    const { headroom, tailroom } = this.#room;
    const buffer = new Uint8Array(headroom + length + tailroom);
    buffer.set(packet.subarray(offset, offset + length), headroom);
    const isFull = this.#length === STAGED_PACKETS;
    if (isFull) this.shift();
    this.#ring[(this.#head + this.#length) % STAGED_PACKETS] = { buffer, offset: headroom, length };
    this.#length++;
    return !isFull;
  }

  /** Takes the oldest packet out. */
  shift(): StagedPacket | undefined {
    if (this.#length === 0) return undefined;
    const packet = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) % STAGED_PACKETS;
    this.#length--;
    return packet;
  }

  clear(): void {
    this.#ring.length = 0;
    this.#head = 0;
    this.#length = 0;
  }
}
