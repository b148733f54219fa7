/**
 * The control thread's side of the data plane: keeps the shared tables in step with the Device, and tells the Device what the
 * workers have done.
 *
 *   1. The Device says what changed; it is noted here.
 *   2. Before the loop sends what the Device wants sent, `publishReceiving` makes new keypairs known to the inbound worker:
 *      the answer to a handshake message may come at once.
 *   3. After it has sent, `publishSending` lets the outbound worker use them: what was staged has left by then, so that no
 *      flow is overtaken by itself. Erased keypairs leave the tables, and then their cipher contexts are freed.
 *   4. `collect` fetches what the workers have counted. While packets flow it is due twice a second; once nothing
 *      flows any more, the workers are asked to say when something does.
 */
import type { MonotonicMs } from '../clock.ts';
import type { Aead } from '../crypto/port.ts';
import type { AllowedIps } from '../device/allowed-ips.ts';
import type { DataPlane, PeerActivity } from '../device/data-plane.ts';
import type { Device } from '../device/device.ts';
import { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';
import { countFrom, type Keypair, type SendCounter } from '../transport/keypair.ts';
import { readEndpoint } from './endpoint-words.ts';
import { atGate, type Workers } from './gate.ts';
import {
  currentRoutes,
  DROP_REASONS,
  MTU,
  OVERFLOWED,
  type PlaneMemory,
  ROUTES_HALF,
  WANTED,
  wordOf,
} from './plane-memory.ts';
import { OWNER_WITHOUT_ROW, type Route, routeCapacity, writeRoutes } from './route-table.ts';
import { PlaneTables } from './plane-tables.ts';
import { SharedCounter } from './shared-counter.ts';

/** How far the timers may lag behind the workers. */
const COLLECT_INTERVAL_MS = 500;

/** The workers' cipher contexts, which the crypto provider makes along with each AEAD. */
export interface PlaneCiphers {
  /** Address of the context that worker number `index` of those with its role has of this AEAD. */
  contextOf(aead: Aead, index: number): number;
  /** Frees those of all destroyed AEADs: no worker uses them any more. */
  freeDestroyed(): void;
}

export class ControlPlane implements DataPlane {
  readonly #memory: PlaneMemory;
  readonly #words: Int32Array;
  readonly #ciphers: PlaneCiphers;
  readonly #workers: Workers;
  readonly #tables: PlaneTables;
  readonly #contextOf: PlaneCiphers['contextOf'];
  readonly #endpoint = new Endpoint();
  readonly #activity: PeerActivity = {
    sentAt: 0,
    dataSentAt: 0,
    receivedAt: 0,
    dataReceivedAt: 0,
    txBytes: 0,
    rxBytes: 0,
  };
  readonly #drops: readonly { counts: Float64Array; seen: Float64Array }[];
  readonly #added = new Set<Keypair>();
  readonly #changed = new Set<Peer>();
  /** No worker knows them. */
  readonly #withoutRow = new Set<Keypair>();
  readonly #freed: Keypair[] = [];
  readonly #removed: Peer[] = [];
  #allowedIps: AllowedIps<Peer> | undefined;
  #nextCollect: MonotonicMs = Infinity;

  constructor(memory: PlaneMemory, ciphers: PlaneCiphers, workers: Workers) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.words);
    this.#ciphers = ciphers;
    this.#contextOf = (aead, index) => ciphers.contextOf(aead, index);
    this.#workers = workers;
    this.#tables = new PlaneTables(memory);
    this.#drops = memory.workers.map(({ drops }) => {
      const counts = new Float64Array(drops);
      return { counts, seen: new Float64Array(counts.length) };
    });
    writeRoutes(currentRoutes(memory, 0), []);
    this.#askForNews();
  }

  // What the Device says.

  createCounter(): SendCounter {
    const row = this.#tables.takeKeypairRow();
    return row >= 0 ? new SharedCounter(this.#memory, row) : countFrom(0);
  }

  carries(keypair: Keypair): boolean {
    return this.#tables.has(keypair);
  }

  peerChanged(peer: Peer): void {
    this.#changed.add(peer);
    for (const keypair of peer.keypairs.all) {
      if (this.#tables.has(keypair)) continue;
      const { counter } = keypair;
      if (counter instanceof SharedCounter && this.#tables.addKeypair(keypair, counter.row, peer))
        this.#added.add(keypair);
      else this.#withoutRow.add(keypair);
    }
    this.#noteOverflow();
  }

  keypairFreed(keypair: Keypair): void {
    this.#freed.push(keypair);
    this.#added.delete(keypair);
    if (this.#withoutRow.delete(keypair)) this.#noteOverflow();
    const peer = this.#tables.peerOf(keypair);
    if (peer !== undefined) this.#changed.add(peer);
  }

  peerRemoved(peer: Peer): void {
    this.#changed.delete(peer);
    this.#removed.push(peer);
  }

  hasRoomFor(prefixes: number): boolean {
    return prefixes <= routeCapacity(currentRoutes(this.#memory, 0));
  }

  allowedIpsChanged(allowedIps: AllowedIps<Peer>): void {
    this.#allowedIps = allowedIps;
  }

  // What the loop says.

  publishReceiving(): void {
    if (this.#added.size === 0) return;
    atGate(this.#words, this.#workers, () => {
      for (const keypair of this.#added) this.#tables.writeKeypair(keypair, this.#contextOf);
    });
    this.#added.clear();
  }

  publishSending(): void {
    const nothing = this.#changed.size === 0 && this.#freed.length === 0 && this.#removed.length === 0;
    if (nothing && this.#allowedIps === undefined) return;
    this.publishReceiving();
    const half = 1 - this.#words[ROUTES_HALF]!;
    const hasRoutes = this.#allowedIps !== undefined;
    if (this.#allowedIps !== undefined) this.#writeRoutes(this.#allowedIps, half);
    this.#allowedIps = undefined;
    atGate(this.#words, this.#workers, () => {
      if (hasRoutes) this.#words[ROUTES_HALF] = half;
      for (const peer of this.#changed) this.#tables.writePeer(peer, this.#contextOf);
      for (const keypair of this.#freed) this.#tables.freeKeypair(keypair);
      for (const peer of this.#removed) this.#tables.freePeer(peer);
      this.#ciphers.freeDestroyed();
    });
    this.#changed.clear();
    this.#freed.length = 0;
    this.#removed.length = 0;
  }

  setMtu(mtu: number): void {
    atGate(this.#words, this.#workers, () => (this.#words[MTU] = mtu));
  }

  /** The loop has sent something to the peer, which may have cost its endpoint the source. */
  sentTo(peer: Peer): void {
    if (this.#tables.isEndpointStale(peer)) this.#changed.add(peer);
  }

  nextTimeout(): MonotonicMs {
    return this.#nextCollect;
  }

  /** A worker has called. Whoever has carried something has taken back WANTED; what is in its ring is no reason to collect. */
  handleNews(now: MonotonicMs): void {
    if (this.#nextCollect !== Infinity) return;
    const isNews = (worker: number): boolean => Atomics.load(this.#words, wordOf(worker, WANTED)) === 0;
    if (this.#memory.workers.some((_, worker) => isNews(worker))) this.#nextCollect = now;
  }

  collect(device: Device, now: MonotonicMs): void {
    const isNews = this.#collectPeers(device, now);
    this.#collectDrops(device);
    if (isNews) {
      this.#nextCollect = now + COLLECT_INTERVAL_MS;
      return;
    }
    this.#nextCollect = Infinity;
    this.#askForNews();
    // Who carried a packet just before that has not seen it.
    if (this.#collectPeers(device, now)) this.#nextCollect = now + COLLECT_INTERVAL_MS;
  }

  // What the workers say.

  /** Events of the inbound rings. `words` begin with the row and serial of a keypair; here the move's number and its endpoint follow. */
  handleMoved(device: Device, words: Int32Array, routing: number): void {
    const peer = this.#tables.ownerOf(words[0]!, words[1]!); // the keypair may have been replaced meanwhile
    if (peer === undefined) return;
    if (!this.#tables.noteMoved(peer, words[2]!, words.subarray(3))) return;
    readEndpoint(words, 3, this.#endpoint);
    this.#endpoint.routing = routing;
    device.handleMoved(peer, this.#endpoint);
  }

  handleConfirmed(device: Device, words: Int32Array, now: MonotonicMs): void {
    const keypair = this.#tables.keypairAt(words[0]!, words[1]!);
    const peer = keypair && this.#tables.peerOf(keypair);
    if (keypair !== undefined && peer !== undefined) device.handleConfirmed(peer, keypair, now);
  }

  /** The outbound worker could not send from the source that the row says. */
  handleSourceLost(words: Int32Array): void {
    const peer = this.#tables.peerAt(words[0]!, words[1]!);
    if (peer === undefined) return;
    peer.endpoint?.clearSource();
    this.#changed.add(peer);
  }

  #askForNews(): void {
    for (const worker of this.#memory.workers.keys()) Atomics.store(this.#words, wordOf(worker, WANTED), 1);
  }

  /** While some keypair has no row, the control thread opens what the inbound worker does not know. */
  #noteOverflow(): void {
    Atomics.store(this.#words, OVERFLOWED, this.#withoutRow.size > 0 ? 1 : 0);
  }

  #writeRoutes(allowedIps: AllowedIps<Peer>, half: number): void {
    const tables = this.#tables;
    function* routes(): Generator<Route> {
      for (const [prefix, peer] of allowedIps.entries()) {
        const row = tables.rowOf(peer);
        yield { prefix, owner: row < 0 ? OWNER_WITHOUT_ROW : row };
      }
    }
    const table = currentRoutes(this.#memory, half);
    // The Device has asked whether there is room. If it had not: nobody is routed rather than to whom it was before.
    if (!writeRoutes(table, routes())) writeRoutes(table, []);
  }

  /** False when nothing was carried since the last time. */
  #collectPeers(device: Device, now: MonotonicMs): boolean {
    let isNews = false;
    for (const peer of this.#tables.peers) {
      if (!this.#tables.readActivity(peer, this.#activity)) continue;
      isNews = true;
      device.handleActivity(peer, this.#activity, now);
    }
    return isNews;
  }

  #collectDrops(device: Device): void {
    for (const { counts, seen } of this.#drops)
      for (const [index, reason] of DROP_REASONS.entries()) {
        const count = counts[index]!;
        if (count === seen[index]) continue;
        device.addDrops(reason, count - seen[index]!);
        seen[index] = count;
      }
  }
}
