/**
 * An inbound worker's view of the shared tables: which keypair a message is under, whether it is new, and whose addresses may be
 * in it. Replay windows are the worker's own where nobody else opens what it opens; several workers share them.
 */
import { sourceOffset } from '../device/inner-packet.ts';
import type { IpFamily } from '../ip.ts';
import { REJECT_AFTER_TIME_MS } from '../noise/constants.ts';
import { ReplayWindow } from '../transport/replay-window.ts';
import { ENDPOINT_WORDS, sameEndpoint } from './endpoint-words.ts';
import { IndexMap } from './index-map.ts';
import { locked } from './lock.ts';
import {
  ACTIVITY_FLOATS,
  BYTES,
  CONFIRMED_SERIAL,
  currentRoutes,
  ENDPOINT,
  KEYPAIR_FLOATS,
  KEYPAIR_PEER,
  KEYPAIR_SERIAL,
  KEYPAIR_WORDS,
  LAST_AT,
  LAST_DATA_AT,
  MOVED_ENDPOINT,
  MOVED_SEQUENCE,
  MOVES,
  PEER_LOCK,
  PEER_WORDS,
  type PlaneMemory,
  RECEIVE_CREATED_AT,
  ROUTES_HALF,
  UNCONFIRMED,
} from './plane-memory.ts';
import { SharedWindow } from './replay-windows.ts';
import { lookUpRoute } from './route-table.ts';

/** What the worker keeps for a keypair's row. */
interface Window {
  serial: number;
  readonly replay: Pick<ReplayWindow, 'accept'>;
  /** The control thread knows that the other side has the keypair. */
  isConfirmed: boolean;
}

export class ReceiveTable {
  readonly #control: Int32Array;
  readonly #peers: Int32Array;
  readonly #keypairs: Int32Array;
  readonly #keypairFloats: Float64Array;
  readonly #contexts: Float64Array;
  readonly #activity: Float64Array;
  readonly #createWindow: (row: number) => Window['replay'];
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

  constructor(memory: PlaneMemory, worker: number) {
    const { windows } = memory;
    const { contexts, activity } = memory.workers[worker]!;
    this.#control = new Int32Array(memory.words);
    this.#peers = new Int32Array(memory.peers);
    this.#keypairs = new Int32Array(memory.keypairs);
    this.#keypairFloats = new Float64Array(memory.keypairs);
    this.#contexts = new Float64Array(contexts);
    this.#activity = new Float64Array(activity);
    this.#createWindow = windows.byteLength > 0 ? (row) => new SharedWindow(windows, row) : () => new ReplayWindow();
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

  /** Address of the worker's own cipher context. */
  context(row: number): number {
    return this.#contexts[row]!;
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
    const at = PEER_WORDS * this.peerOf(row);
    const serial = this.serial(row);
    locked(this.#peers, at + PEER_LOCK, () => {
      const isLater = ((serial - this.#peers[at + CONFIRMED_SERIAL]!) | 0) > 0; // another worker may have seen a later one
      if (isLater) Atomics.store(this.#peers, at + CONFIRMED_SERIAL, serial);
    });
  }

  /** Whether the peer is where `endpoint` (its words) says. */
  isAt(peer: number, endpoint: Int32Array): boolean {
    const at = PEER_WORDS * peer;
    const hasMoved = this.#peers[at + MOVED_SEQUENCE] !== 0;
    return sameEndpoint(this.#peers, at + (hasMoved ? MOVED_ENDPOINT : ENDPOINT), endpoint, 0);
  }

  /** What is sent to the peer from here on goes there, if `tell` can tell the control thread that this is the move of this number. */
  moveTo(peer: number, endpoint: Int32Array, tell: (move: number) => boolean): void {
    const at = PEER_WORDS * peer;
    locked(this.#peers, at + PEER_LOCK, () => {
      const move = (this.#peers[at + MOVES]! + 1) | 0;
      if (!tell(move)) return;
      this.#peers[at + MOVES] = move;
      Atomics.add(this.#peers, at + MOVED_SEQUENCE, 1);
      for (let i = 0; i < ENDPOINT_WORDS; i++) Atomics.store(this.#peers, at + MOVED_ENDPOINT + i, endpoint[i]!);
      Atomics.add(this.#peers, at + MOVED_SEQUENCE, 1);
    });
  }

  noteReceived(peer: number, bytes: number, now: number): void {
    const at = ACTIVITY_FLOATS * peer;
    this.#activity[at + LAST_AT] = now;
    this.#activity[at + BYTES]! += bytes;
  }

  noteData(peer: number, now: number): void {
    this.#activity[ACTIVITY_FLOATS * peer + LAST_DATA_AT] = now;
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
      window = { serial, replay: this.#createWindow(row), isConfirmed: false };
      this.#windows.set(row, window);
    }
    this.#lastWindow = window;
    this.#lastWindowRow = row;
    return window;
  }
}
