/**
 * The rows of peers and keypairs in shared memory, as the control thread fills and frees them. Whatever is called `write` or
 * `free` here changes what workers read, and is called at the gate.
 */
import type { Aead } from '../crypto/port.ts';
import type { PeerActivity } from '../device/data-plane.ts';
import type { Peer } from '../peer/peer.ts';
import type { Keypair } from '../transport/keypair.ts';
import { ENDPOINT_WORDS, sameEndpoint, writeEndpoint } from './endpoint-words.ts';
import { IndexMap } from './index-map.ts';
import {
  ACTIVITY_FLOATS,
  BYTES,
  ENDPOINT,
  KEYPAIR_FLOATS,
  KEYPAIR_PEER,
  KEYPAIR_SERIAL,
  KEYPAIR_WORDS,
  LAST_AT,
  LAST_DATA_AT,
  LOCAL_INDEX,
  MOVED_ENDPOINT,
  MOVED_SEQUENCE,
  PEER_FLOATS,
  PEER_WORDS,
  type PlaneMemory,
  RECEIVE_CREATED_AT,
  REMOTE_INDEX,
  type Role,
  SEND_CREATED_AT,
  SEND_KEYPAIR,
  SEND_SERIAL,
  SENDABLE,
  UNCONFIRMED,
  VERSION,
} from './plane-memory.ts';
import { clearWindow } from './replay-windows.ts';
import { Rows } from './rows.ts';
import { SharedCounter } from './shared-counter.ts';

/** More than are freed while one record waits in a ring, but for a flood. */
const FORMER_KEYPAIRS = 1024;

interface PeerEntry {
  readonly row: number;
  /** What was counted when the Device was told last. */
  txBytes: number;
  rxBytes: number;
  /** Words of the endpoint that inbound has told of since the row was written. */
  moved: Int32Array | undefined;
  /** Number of the latest move that inbound has told of. */
  move: number;
}

/** Columns of the workers with one role. */
interface Columns {
  readonly contexts: readonly Float64Array[];
  readonly activity: readonly Float64Array[];
}

/** Address of the cipher context that worker number `index` of those with its role has of this AEAD. */
type ContextOf = (aead: Aead, index: number) => number;

interface KeypairEntry {
  readonly row: number;
  readonly serial: number;
  readonly peer: Peer;
  isWritten: boolean;
}

export class PlaneTables {
  readonly #peerWords: Int32Array;
  readonly #peerFloats: Float64Array;
  readonly #keypairWords: Int32Array;
  readonly #keypairFloats: Float64Array;
  readonly #indices: IndexMap;
  readonly #windows: SharedArrayBuffer;
  readonly #columns: Readonly<Record<Role, Columns>>;
  readonly #peerRows: Rows<Peer>;
  readonly #keypairRows: Rows<Keypair>;
  readonly #peers = new Map<Peer, PeerEntry>();
  readonly #keypairs = new Map<Keypair, KeypairEntry>();
  /** By the serials of the keypairs that were freed last: what inbound has told of them may still lie in a ring. */
  readonly #formerOwners = new Map<number, Peer>();
  readonly #scratch = new Int32Array(ENDPOINT_WORDS);
  #serial = 0;

  constructor({ peers, keypairs, indices, windows, workers }: PlaneMemory) {
    this.#peerWords = new Int32Array(peers);
    this.#peerFloats = new Float64Array(peers);
    this.#keypairWords = new Int32Array(keypairs);
    this.#keypairFloats = new Float64Array(keypairs);
    this.#indices = new IndexMap(new Int32Array(indices));
    this.#windows = windows;
    const columnsOf = (role: Role): Columns => {
      const those = workers.filter((worker) => worker.role === role);
      return {
        contexts: those.map(({ contexts }) => new Float64Array(contexts)),
        activity: those.map(({ activity }) => new Float64Array(activity)),
      };
    };
    this.#columns = { outbound: columnsOf('outbound'), inbound: columnsOf('inbound') };
    this.#peerRows = new Rows(this.#peerWords.length / PEER_WORDS);
    this.#keypairRows = new Rows(this.#keypairWords.length / KEYPAIR_WORDS);
  }

  get peers(): IterableIterator<Peer> {
    return this.#peers.keys();
  }

  /** -1 when none is left. */
  takeKeypairRow(): number {
    return this.#keypairRows.take();
  }

  has(keypair: Keypair): boolean {
    return this.#keypairs.has(keypair);
  }

  peerOf(keypair: Keypair): Peer | undefined {
    return this.#keypairs.get(keypair)?.peer;
  }

  /** Undefined when the row has gone to another keypair since. */
  keypairAt(row: number, serial: number): Keypair | undefined {
    const keypair = this.#keypairRows.get(row);
    return keypair !== undefined && this.#keypairs.get(keypair)?.serial === serial ? keypair : undefined;
  }

  /** Whose keypair that is or was; undefined when the peer was removed, or that was long ago. */
  ownerOf(row: number, serial: number): Peer | undefined {
    const keypair = this.keypairAt(row, serial);
    const peer = keypair === undefined ? this.#formerOwners.get(serial) : this.peerOf(keypair);
    return peer !== undefined && this.#peers.has(peer) ? peer : undefined;
  }

  /** Undefined when the row has changed since. */
  peerAt(row: number, version: number): Peer | undefined {
    return this.#peerWords[PEER_WORDS * row + VERSION] === version ? this.#peerRows.get(row) : undefined;
  }

  /** The peer's row, which it gets with this; -1 when none is left. */
  rowOf(peer: Peer): number {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known.row;
    const row = this.#peerRows.take();
    if (row < 0) return row;
    this.#peerRows.set(row, peer);
    this.#peers.set(peer, { row, txBytes: 0, rxBytes: 0, moved: undefined, move: 0 });
    return row;
  }

  /** False when there is no room for its peer. */
  addKeypair(keypair: Keypair, row: number, peer: Peer): boolean {
    if (this.rowOf(peer) < 0) return false;
    this.#serial = (this.#serial + 1) | 0;
    this.#keypairRows.set(row, keypair);
    this.#keypairs.set(keypair, { row, serial: this.#serial, peer, isWritten: false });
    return true;
  }

  /** From here on the inbound workers open what comes under it, each with its own context. */
  writeKeypair(keypair: Keypair, contextOf: ContextOf): void {
    const entry = this.#keypairs.get(keypair);
    if (entry === undefined) return;
    const { row, serial, peer } = entry;
    const words = KEYPAIR_WORDS * row;
    const floats = KEYPAIR_FLOATS * row;
    this.#keypairWords[words + KEYPAIR_PEER] = this.rowOf(peer);
    this.#keypairWords[words + KEYPAIR_SERIAL] = serial;
    this.#keypairWords[words + UNCONFIRMED] = keypair.isInitiator ? 0 : 1;
    this.#keypairWords[words + LOCAL_INDEX] = keypair.localIndex;
    this.#keypairFloats[floats + RECEIVE_CREATED_AT] = keypair.createdAt;
    for (const [index, contexts] of this.#columns.inbound.contexts.entries())
      contexts[row] = contextOf(keypair.receive, index);
    clearWindow(this.#windows, row);
    this.#indices.set(keypair.localIndex, row);
    entry.isWritten = true;
  }

  freeKeypair(keypair: Keypair): void {
    const entry = this.#keypairs.get(keypair);
    this.#keypairs.delete(keypair);
    if (entry !== undefined) this.#remember(entry);
    if (entry?.isWritten === true) this.#indices.delete(keypair.localIndex);
    if (!(keypair.counter instanceof SharedCounter)) return;
    const { row } = keypair.counter;
    // The counter stays as it is: nobody may take a number of it twice, whoever still thinks that it is theirs.
    this.#keypairFloats.fill(0, KEYPAIR_FLOATS * row + RECEIVE_CREATED_AT, KEYPAIR_FLOATS * (row + 1));
    for (const contexts of this.#columns.inbound.contexts) contexts[row] = 0;
    this.#keypairRows.free(row);
  }

  /** From here on the outbound workers send as the peer is now; or not at all, when it has no keypair or no endpoint. */
  writePeer(peer: Peer, contextOf: ContextOf): void {
    const row = this.rowOf(peer);
    if (row < 0) return;
    const words = PEER_WORDS * row;
    const floats = PEER_FLOATS * row;
    const { endpoint, remote, keypairs } = peer;
    const current = keypairs.current;
    const entry = current && this.#keypairs.get(current);
    const isSendable = entry !== undefined && endpoint !== undefined && remote !== undefined;
    this.#peerWords[words + SENDABLE] = isSendable ? 1 : 0;
    this.#peerWords[words + VERSION]! += 1;
    // What inbound has heard and the Device not yet stays as it is.
    if (this.isEndpointStale(peer) && !this.#hasMovedOn(peer)) this.#peerWords[words + MOVED_SEQUENCE] = 0;
    this.#peers.get(peer)!.moved = undefined; // it has a row
    writeEndpoint(this.#peerWords, words + ENDPOINT, endpoint);
    this.#peerWords[words + REMOTE_INDEX] = isSendable ? current!.remoteIndex : 0; // there is an entry for it
    this.#peerWords[words + SEND_KEYPAIR] = entry?.row ?? -1;
    this.#peerWords[words + SEND_SERIAL] = entry?.serial ?? 0;
    for (const [index, contexts] of this.#columns.outbound.contexts.entries())
      contexts[row] = isSendable ? contextOf(current!.send, index) : 0;
    this.#peerFloats[floats + SEND_CREATED_AT] = current?.createdAt ?? 0;
  }

  /**
   * `endpoint`: words of where inbound has heard of the peer, as the Device is told now. False when a later move is known: another
   * worker was faster to tell.
   */
  noteMoved(peer: Peer, move: number, endpoint: Int32Array): boolean {
    const entry = this.#peers.get(peer);
    if (entry === undefined || ((move - entry.move) | 0) <= 0) return false;
    entry.move = move;
    entry.moved = endpoint.slice();
    return true;
  }

  freePeer(peer: Peer): void {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return;
    const words = PEER_WORDS * entry.row;
    const version = this.#peerWords[words + VERSION]!;
    this.#peerWords.fill(0, words, words + PEER_WORDS);
    this.#peerWords[words + VERSION] = version + 1;
    for (const { activity } of [this.#columns.outbound, this.#columns.inbound])
      for (const column of activity) column.fill(0, ACTIVITY_FLOATS * entry.row, ACTIVITY_FLOATS * (entry.row + 1));
    this.#peers.delete(peer);
    this.#peerRows.free(entry.row);
  }

  isEndpointStale(peer: Peer): boolean {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return false;
    writeEndpoint(this.#scratch, 0, peer.endpoint);
    return !sameEndpoint(this.#scratch, 0, this.#peerWords, PEER_WORDS * entry.row + ENDPOINT);
  }

  /** What the workers did for the peer since the last time; false when nothing. */
  readActivity(peer: Peer, into: PeerActivity): boolean {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return false;
    const at = ACTIVITY_FLOATS * entry.row;
    const { outbound, inbound } = this.#columns;
    const txBytes = sum(outbound.activity, at + BYTES);
    const rxBytes = sum(inbound.activity, at + BYTES);
    if (txBytes === entry.txBytes && rxBytes === entry.rxBytes) return false;
    into.txBytes = txBytes - entry.txBytes;
    into.rxBytes = rxBytes - entry.rxBytes;
    into.sentAt = latest(outbound.activity, at + LAST_AT);
    into.dataSentAt = latest(outbound.activity, at + LAST_DATA_AT);
    into.receivedAt = latest(inbound.activity, at + LAST_AT);
    into.dataReceivedAt = latest(inbound.activity, at + LAST_DATA_AT);
    entry.txBytes = txBytes;
    entry.rxBytes = rxBytes;
    return true;
  }

  #remember({ serial, peer }: KeypairEntry): void {
    this.#formerOwners.set(serial, peer);
    if (this.#formerOwners.size <= FORMER_KEYPAIRS) return;
    const [oldest] = this.#formerOwners.keys();
    if (oldest !== undefined) this.#formerOwners.delete(oldest);
  }

  /** Whether the Device is behind: it was told of one place, and inbound has heard of the peer from another since. */
  #hasMovedOn(peer: Peer): boolean {
    const { row, moved } = this.#peers.get(peer)!; // asked for those that have a row
    const at = PEER_WORDS * row;
    if (moved === undefined || this.#peerWords[at + MOVED_SEQUENCE] === 0) return false;
    return !sameEndpoint(moved, 0, this.#peerWords, at + MOVED_ENDPOINT);
  }
}

function sum(columns: readonly Float64Array[], at: number): number {
  let total = 0;
  for (const column of columns) total += column[at]!;
  return total;
}

function latest(columns: readonly Float64Array[], at: number): number {
  let time = 0;
  for (const column of columns) time = Math.max(time, column[at]!);
  return time;
}
