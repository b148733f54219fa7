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
  DATA_RECEIVED_AT,
  DATA_SENT_AT,
  ENDPOINT,
  KEYPAIR_FLOATS,
  KEYPAIR_PEER,
  KEYPAIR_SERIAL,
  KEYPAIR_WORDS,
  LOCAL_INDEX,
  MOVED_ENDPOINT,
  MOVED_SEQUENCE,
  PEER_FLOATS,
  PEER_WORDS,
  type PlaneMemory,
  RECEIVE_CONTEXT,
  RECEIVE_CREATED_AT,
  RECEIVED_AT,
  REMOTE_INDEX,
  RX_BYTES,
  SEND_CONTEXT,
  SEND_CREATED_AT,
  SEND_KEYPAIR,
  SEND_SERIAL,
  SENDABLE,
  SENT_AT,
  TX_BYTES,
  UNCONFIRMED,
  VERSION,
} from './plane-memory.ts';
import { Rows } from './rows.ts';
import { SharedCounter } from './shared-counter.ts';

interface PeerEntry {
  readonly row: number;
  /** What was counted when the Device was told last. */
  txBytes: number;
  rxBytes: number;
  /** Words of the endpoint that inbound has told of since the row was written. */
  moved: Int32Array | undefined;
}

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
  readonly #peerRows: Rows<Peer>;
  readonly #keypairRows: Rows<Keypair>;
  readonly #peers = new Map<Peer, PeerEntry>();
  readonly #keypairs = new Map<Keypair, KeypairEntry>();
  readonly #scratch = new Int32Array(ENDPOINT_WORDS);
  #serial = 0;

  constructor({ peers, keypairs, indices }: PlaneMemory) {
    this.#peerWords = new Int32Array(peers);
    this.#peerFloats = new Float64Array(peers);
    this.#keypairWords = new Int32Array(keypairs);
    this.#keypairFloats = new Float64Array(keypairs);
    this.#indices = new IndexMap(new Int32Array(indices));
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
    this.#peers.set(peer, { row, txBytes: 0, rxBytes: 0, moved: undefined });
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

  /** From here on the inbound worker opens what comes under it. */
  writeKeypair(keypair: Keypair, context: number): void {
    const entry = this.#keypairs.get(keypair);
    if (entry === undefined) return;
    const { row, serial, peer } = entry;
    const words = KEYPAIR_WORDS * row;
    const floats = KEYPAIR_FLOATS * row;
    this.#keypairWords[words + KEYPAIR_PEER] = this.rowOf(peer);
    this.#keypairWords[words + KEYPAIR_SERIAL] = serial;
    this.#keypairWords[words + UNCONFIRMED] = keypair.isInitiator ? 0 : 1;
    this.#keypairWords[words + LOCAL_INDEX] = keypair.localIndex;
    this.#keypairFloats[floats + RECEIVE_CONTEXT] = context;
    this.#keypairFloats[floats + RECEIVE_CREATED_AT] = keypair.createdAt;
    this.#indices.set(keypair.localIndex, row);
    entry.isWritten = true;
  }

  freeKeypair(keypair: Keypair): void {
    const entry = this.#keypairs.get(keypair);
    this.#keypairs.delete(keypair);
    if (entry?.isWritten === true) this.#indices.delete(keypair.localIndex);
    if (!(keypair.counter instanceof SharedCounter)) return;
    const { row } = keypair.counter;
    // The counter stays as it is: nobody may take a number of it twice, whoever still thinks that it is theirs.
    this.#keypairFloats.fill(0, KEYPAIR_FLOATS * row + RECEIVE_CONTEXT, KEYPAIR_FLOATS * (row + 1));
    this.#keypairRows.free(row);
  }

  /** From here on the outbound worker sends as the peer is now; or not at all, when it has no keypair or no endpoint. */
  writePeer(peer: Peer, contextOf: (aead: Aead) => number): void {
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
    this.#peerFloats[floats + SEND_CONTEXT] = isSendable ? contextOf(current!.send) : 0;
    this.#peerFloats[floats + SEND_CREATED_AT] = current?.createdAt ?? 0;
  }

  /** `endpoint`: words of where inbound has heard of the peer, as the Device is told now. */
  noteMoved(peer: Peer, endpoint: Int32Array): void {
    const entry = this.#peers.get(peer);
    if (entry !== undefined) entry.moved = endpoint.slice();
  }

  freePeer(peer: Peer): void {
    const entry = this.#peers.get(peer);
    if (entry === undefined) return;
    const words = PEER_WORDS * entry.row;
    const version = this.#peerWords[words + VERSION]!;
    this.#peerWords.fill(0, words, words + PEER_WORDS);
    this.#peerWords[words + VERSION] = version + 1;
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
    const at = PEER_FLOATS * entry.row;
    const txBytes = this.#peerFloats[at + TX_BYTES]!;
    const rxBytes = this.#peerFloats[at + RX_BYTES]!;
    if (txBytes === entry.txBytes && rxBytes === entry.rxBytes) return false;
    into.txBytes = txBytes - entry.txBytes;
    into.rxBytes = rxBytes - entry.rxBytes;
    into.sentAt = this.#peerFloats[at + SENT_AT]!;
    into.dataSentAt = this.#peerFloats[at + DATA_SENT_AT]!;
    into.receivedAt = this.#peerFloats[at + RECEIVED_AT]!;
    into.dataReceivedAt = this.#peerFloats[at + DATA_RECEIVED_AT]!;
    entry.txBytes = txBytes;
    entry.rxBytes = rxBytes;
    return true;
  }

  /** Whether the Device is behind: it was told of one place, and inbound has heard of the peer from another since. */
  #hasMovedOn(peer: Peer): boolean {
    const { row, moved } = this.#peers.get(peer)!; // asked for those that have a row
    const at = PEER_WORDS * row;
    if (moved === undefined || this.#peerWords[at + MOVED_SEQUENCE] === 0) return false;
    return !sameEndpoint(moved, 0, this.#peerWords, at + MOVED_ENDPOINT);
  }
}
