/**
 * The inbound worker's view of the shared tables: which keypair a message is under, whether it is new, and whose addresses may be
 * in it. Replay windows are the worker's own: nobody else opens what it opens.
 */
import { sourceOffset } from '../device/inner-packet.ts';
import type { IpFamily } from '../ip.ts';
import { REJECT_AFTER_TIME_MS } from '../noise/constants.ts';
import { ReplayWindow } from '../transport/replay-window.ts';
import { ENDPOINT_WORDS, sameEndpoint } from './endpoint-words.ts';
import { IndexMap } from './index-map.ts';
import {
  CONFIRMED_SERIAL,
  currentRoutes,
  DATA_RECEIVED_AT,
  ENDPOINT,
  KEYPAIR_FLOATS,
  KEYPAIR_PEER,
  KEYPAIR_SERIAL,
  KEYPAIR_WORDS,
  MOVED_ENDPOINT,
  MOVED_SEQUENCE,
  PEER_FLOATS,
  PEER_WORDS,
  type PlaneMemory,
  RECEIVE_CONTEXT,
  RECEIVE_CREATED_AT,
  RECEIVED_AT,
  ROUTES_HALF,
  RX_BYTES,
  UNCONFIRMED,
} from './plane-memory.ts';
import { lookUpRoute } from './route-table.ts';

/** What the worker keeps for a keypair's row. */
interface Window {
  serial: number;
  readonly replay: ReplayWindow;
  /** The control thread knows that the other side has the keypair. */
  isConfirmed: boolean;
}

export class ReceiveTable {
  readonly #control: Int32Array;
  readonly #peers: Int32Array;
  readonly #peerFloats: Float64Array;
  readonly #keypairs: Int32Array;
  readonly #keypairFloats: Float64Array;
  readonly #indices: IndexMap;
  readonly #halves: readonly [Int32Array, Int32Array];
  readonly #windows = new Map<number, Window>();
  /** The one that was used last, good for one generation of the tables. */
  #lastWindow: Window | undefined;
  #lastWindowRow = -1;
  #generation = -1;
  #routes: Int32Array;
  #index = 0;
  #row = -1;
  #family: IpFamily | 0 = 0;
  readonly #source = new Int32Array(4);
  #owner = -1;

  constructor(memory: PlaneMemory) {
    this.#control = new Int32Array(memory.words);
    this.#peers = new Int32Array(memory.peers);
    this.#peerFloats = new Float64Array(memory.peers);
    this.#keypairs = new Int32Array(memory.keypairs);
    this.#keypairFloats = new Float64Array(memory.keypairs);
    this.#indices = new IndexMap(new Int32Array(memory.indices));
    this.#halves = [currentRoutes(memory, 0), currentRoutes(memory, 1)];
    this.#routes = this.#halves[0];
  }

  /** At the start of a batch. True when the tables have changed. */
  refresh(generation: number): boolean {
    if (generation === this.#generation) return false;
    this.#generation = generation;
    this.#routes = this.#halves[this.#control[ROUTES_HALF] === 0 ? 0 : 1];
    this.#family = 0;
    this.#row = -1;
    this.#lastWindow = undefined;
    return true;
  }

  /** The row of the keypair with this receiver index, -1 for none. */
  find(index: number): number {
    if (index === this.#index && this.#row >= 0) return this.#row;
    this.#index = index;
    this.#row = this.#indices.get(index);
    return this.#row;
  }

  isTooOld(row: number, now: number): boolean {
    return now - this.#keypairFloats[KEYPAIR_FLOATS * row + RECEIVE_CREATED_AT]! >= REJECT_AFTER_TIME_MS;
  }

  /** Address of the cipher context. */
  context(row: number): number {
    return this.#keypairFloats[KEYPAIR_FLOATS * row + RECEIVE_CONTEXT]!;
  }

  serial(row: number): number {
    return this.#keypairs[KEYPAIR_WORDS * row + KEYPAIR_SERIAL]!;
  }

  peerOf(row: number): number {
    return this.#keypairs[KEYPAIR_WORDS * row + KEYPAIR_PEER]!;
  }

  /** Records the counter of an authentic message; false when it came before. */
  accept(row: number, counter: number): boolean {
    return this.#window(row).replay.accept(counter);
  }

  /** Whether the control thread has to be told that this keypair is in use. */
  isUnconfirmed(row: number): boolean {
    return this.#keypairs[KEYPAIR_WORDS * row + UNCONFIRMED] === 1 && !this.#window(row).isConfirmed;
  }

  /** The control thread has been told. From here on nothing is sent to the peer under an older keypair. */
  setConfirmed(row: number): void {
    this.#window(row).isConfirmed = true;
    Atomics.store(this.#peers, PEER_WORDS * this.peerOf(row) + CONFIRMED_SERIAL, this.serial(row));
  }

  /** Whether the peer is where `endpoint` (its words) says. */
  isAt(peer: number, endpoint: Int32Array): boolean {
    const at = PEER_WORDS * peer;
    const hasMoved = this.#peers[at + MOVED_SEQUENCE] !== 0;
    return sameEndpoint(this.#peers, at + (hasMoved ? MOVED_ENDPOINT : ENDPOINT), endpoint, 0);
  }

  /** What is sent to the peer from here on goes there. */
  moveTo(peer: number, endpoint: Int32Array): void {
    const at = PEER_WORDS * peer;
    Atomics.add(this.#peers, at + MOVED_SEQUENCE, 1);
    for (let i = 0; i < ENDPOINT_WORDS; i++) Atomics.store(this.#peers, at + MOVED_ENDPOINT + i, endpoint[i]!);
    Atomics.add(this.#peers, at + MOVED_SEQUENCE, 1);
  }

  noteReceived(peer: number, bytes: number, now: number): void {
    const at = PEER_FLOATS * peer;
    this.#peerFloats[at + RECEIVED_AT] = now;
    this.#peerFloats[at + RX_BYTES]! += bytes;
  }

  noteData(peer: number, now: number): void {
    this.#peerFloats[PEER_FLOATS * peer + DATA_RECEIVED_AT] = now;
  }

  /** Whether the source address of the packet at `offset` is one of the peer's. */
  maySendFrom(peer: number, family: IpFamily, view: DataView, offset: number): boolean {
    const at = sourceOffset(family, offset);
    const count = family === 4 ? 1 : 4;
    let isSame = family === this.#family;
    for (let i = 0; i < count && isSame; i++) isSame = this.#source[i] === view.getInt32(at + 4 * i);
    if (!isSame) {
      this.#family = family;
      for (let i = 0; i < count; i++) this.#source[i] = view.getInt32(at + 4 * i);
      this.#owner = lookUpRoute(this.#routes, family, view, at);
    }
    return this.#owner === peer;
  }

  #window(row: number): Window {
    if (this.#lastWindow !== undefined && this.#lastWindowRow === row) return this.#lastWindow;
    const serial = this.serial(row);
    let window = this.#windows.get(row);
    if (window?.serial !== serial) {
      window = { serial, replay: new ReplayWindow(), isConfirmed: false };
      this.#windows.set(row, window);
    }
    this.#lastWindow = window;
    this.#lastWindowRow = row;
    return window;
  }
}
