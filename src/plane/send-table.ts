/**
 * An outbound worker's view of the shared tables: whose a packet is, and how it is sent to them. What is remembered between
 * packets is good for one generation of the tables.
 *
 * Order within a flow: a peer that packets were handed over for, to the control thread, is not sent to until the control
 * thread has dealt with all of them. It publishes a keypair only once everything staged has left.
 */
import { destinationOffset } from '../device/inner-packet.ts';
import type { IpFamily } from '../ip.ts';
import { REJECT_AFTER_TIME_MS } from '../noise/constants.ts';
import { ENDPOINT_WORDS } from './endpoint-words.ts';
import {
  ACTIVITY_FLOATS,
  BYTES,
  CONFIRMED_SERIAL,
  currentRoutes,
  ENDPOINT,
  LAST_AT,
  LAST_DATA_AT,
  MOVED_ENDPOINT,
  MOVED_SEQUENCE,
  PEER_FLOATS,
  PEER_WORDS,
  type PlaneMemory,
  REMOTE_INDEX,
  ROUTES_HALF,
  SEND_CREATED_AT,
  SEND_KEYPAIR,
  SEND_SERIAL,
  SENDABLE,
  VERSION,
} from './plane-memory.ts';
import type { RingWriter } from './ring.ts';
import { lookUpRoute } from './route-table.ts';
import { takeCounters } from './shared-counter.ts';

/** Nothing is handed over for the peer. Marks are 32-bit counts. */
const NO_MARK = -1;

export class SendTable {
  readonly words: Int32Array;
  readonly endpoint = new Int32Array(ENDPOINT_WORDS);
  readonly #control: Int32Array;
  readonly #floats: Float64Array;
  readonly #keypairs: Int32Array;
  readonly #contexts: Float64Array;
  readonly #activity: Float64Array;
  readonly #halves: readonly [Int32Array, Int32Array];
  readonly #ring: RingWriter;
  /** Count of the ring up to which it has to be read before the peer in this row is sent to. */
  readonly #marks = new Map<number, number>();
  #generation = -1;
  #routes: Int32Array;
  /** The destination that was looked up last, and what came of it. */
  #family: IpFamily | 0 = 0;
  readonly #destination = new Int32Array(4);
  #owner = NO_MARK;

  /** `ring`: the worker's own. */
  constructor(memory: PlaneMemory, worker: number, ring: RingWriter) {
    const { contexts, activity } = memory.workers[worker]!;
    this.words = new Int32Array(memory.peers);
    this.#control = new Int32Array(memory.words);
    this.#floats = new Float64Array(memory.peers);
    this.#keypairs = new Int32Array(memory.keypairs);
    this.#contexts = new Float64Array(contexts);
    this.#activity = new Float64Array(activity);
    this.#halves = [currentRoutes(memory, 0), currentRoutes(memory, 1)];
    this.#routes = this.#halves[0];
    this.#ring = ring;
  }

  /** At the start of a batch. True when the tables have changed. */
  refresh(generation: number): boolean {
    if (generation === this.#generation) return false;
    this.#generation = generation;
    this.#routes = this.#halves[this.#control[ROUTES_HALF] === 0 ? 0 : 1];
    this.#family = 0;
    return true;
  }

  /** The row of the peer that owns the destination of the packet at `offset`; -1 when there is none in the table. */
  route(family: IpFamily, view: DataView, offset: number): number {
    const at = destinationOffset(family, offset);
    const count = family === 4 ? 1 : 4;
    let isSame = family === this.#family;
    for (let i = 0; i < count && isSame; i++) isSame = this.#destination[i] === view.getInt32(at + 4 * i);
    if (isSame) return this.#owner;
    const owner = lookUpRoute(this.#routes, family, view, at);
    this.#family = family;
    for (let i = 0; i < count; i++) this.#destination[i] = view.getInt32(at + 4 * i);
    this.#owner = owner < this.words.length / PEER_WORDS ? owner : -1;
    return this.#owner;
  }

  /** Whether the worker may send to the peer now, but for what is handed over. */
  isSendable(row: number, now: number): boolean {
    const at = PEER_WORDS * row;
    if (this.words[at + SENDABLE] === 0) return false;
    if (((Atomics.load(this.words, at + CONFIRMED_SERIAL) - this.words[at + SEND_SERIAL]!) | 0) > 0) return false;
    return now - this.#floats[PEER_FLOATS * row + SEND_CREATED_AT]! < REJECT_AFTER_TIME_MS;
  }

  /** Whether the control thread still has packets that must go to the peer first. */
  isHandedOver(row: number): boolean {
    const mark = this.#marks.get(row);
    if (mark === undefined) return false;
    if (!this.#ring.isRead(mark)) return true;
    this.#marks.delete(row);
    return false;
  }

  /** A packet of the peer was pushed. */
  handOver(row: number): void {
    this.#marks.set(row, this.#ring.mark);
  }

  /** The first of `count` counters of the peer's keypair, or -1 when it may not be used any more. */
  takeCounters(row: number, count: number): number {
    return takeCounters(this.#keypairs, this.words[PEER_WORDS * row + SEND_KEYPAIR]!, count);
  }

  remoteIndex(row: number): number {
    return this.words[PEER_WORDS * row + REMOTE_INDEX]!;
  }

  /** Address of the worker's own cipher context. */
  context(row: number): number {
    return this.#contexts[row]!;
  }

  /** Another number when the peer was heard of from elsewhere, within a generation. */
  movedSequence(row: number): number {
    return Atomics.load(this.words, PEER_WORDS * row + MOVED_SEQUENCE);
  }

  /** Reads where the peer is into `endpoint`, and returns the `movedSequence` that goes with it. */
  readEndpoint(row: number): number {
    const at = PEER_WORDS * row;
    for (;;) {
      const sequence = this.movedSequence(row);
      if ((sequence & 1) !== 0) continue; // it is being written this very moment
      const from = at + (sequence === 0 ? ENDPOINT : MOVED_ENDPOINT);
      for (let i = 0; i < ENDPOINT_WORDS; i++) this.endpoint[i] = Atomics.load(this.words, from + i);
      if (this.movedSequence(row) === sequence) return sequence;
    }
  }

  version(row: number): number {
    return this.words[PEER_WORDS * row + VERSION]!;
  }

  noteSent(row: number, bytes: number, now: number): void {
    const at = ACTIVITY_FLOATS * row;
    this.#activity[at + LAST_AT] = now;
    this.#activity[at + LAST_DATA_AT] = now;
    this.#activity[at + BYTES]! += bytes;
  }
}
