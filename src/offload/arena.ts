/**
 * The arena of a worker: one memory that never grows and never moves, with the views that the functions of this folder
 * read and write it through. Places in it are byte offsets, so that nothing is allocated per packet.
 */

export interface Arena {
  readonly bytes: Uint8Array;
  readonly u16: Uint16Array;
  /** Machine words, little-endian on every host that runs this (checked once, here). */
  readonly u32: Uint32Array;
  readonly view: DataView;
}

/** `memory`: for the WebAssembly kernel the `buffer` of its WebAssembly.Memory; a multiple of 4 bytes. */
export function createArena(memory: ArrayBufferLike): Arena {
  const u32 = new Uint32Array(memory);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1)
    throw new TypeError('offload needs a little-endian machine');
  return { bytes: new Uint8Array(memory), u16: new Uint16Array(memory), u32, view: new DataView(memory) };
}

/**
 * A row of slots, one packet each. `packet` is where the IP packet of slot 0 begins: a multiple of 16, with at least
 * VIRTIO_NET_HEADER_BYTES before it; `stride` is the distance to the next slot's (a multiple of 16), `room` how many
 * bytes the packet may take.
 */
export interface Slots {
  readonly packet: number;
  readonly stride: number;
  readonly room: number;
  readonly count: number;
}

/** Checks what Slots says of itself. Throws RangeError: it is the caller's mistake. */
export function checkSlots(arena: Arena, slots: Slots): void {
  const { packet, stride, room, count } = slots;
  if (packet % 16 !== 0 || stride % 16 !== 0) throw new RangeError('slots begin at multiples of 16 bytes');
  if (packet < 16 || count < 1 || room < 128 || room > stride) throw new RangeError('slots are too small or overlap');
  if (packet + (count - 1) * stride + room > arena.bytes.length) throw new RangeError('slots end outside the arena');
}

/** Writes zeros from `from` up to `to`. `fill` is a call into the engine, which for a few words takes longer than the words. */
export function clearBytes({ bytes, u32 }: Arena, from: number, to: number): void {
  if (((from | to) & 3) !== 0) bytes.fill(0, from, to);
  else for (let word = from >>> 2; word < to >>> 2; word++) u32[word] = 0;
}
