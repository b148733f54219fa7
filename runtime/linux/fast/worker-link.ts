/**
 * What all workers have in common: the shared tables, a ring and a call to the control thread, a clock, and a poll(2) that
 * they sleep in.
 *
 * Every batch begins with `begin()`. Between `sleep` and its end nothing shared is read, so that the control thread need not wait
 * for a worker that has nothing to do. While packets flow nobody is woken and nobody polls.
 */
import { mustStop, passGate, leave, sleep, wake } from '../../../src/plane/gate.ts';
import { DROP_REASONS, PENDING, type PlaneMemory, THREAD_ID, WANTED, wordOf } from '../../../src/plane/plane-memory.ts';
import { RingWriter } from '../../../src/plane/ring.ts';
import { EVENT_BYTES } from '../epoll.ts';
import type { Ffi, Handle } from '../ffi.ts';
import { Memory } from '../memory.ts';
import { SHRINK_AFTER_MS, shrinkHeap } from '../v8-heap.ts';
import { type BatchPolicy, CALM_AFTER_MS, createBatchPolicy } from './batch-policy.ts';
import type { CipherMode } from './slot-cipher.ts';
import { type FastLibc, loadFastLibc } from './fast-libc.ts';
import { ownThreadId } from './thread-id.ts';

/** What a worker is started with. */
export interface FastWorkerStart {
  /** Its number. */
  readonly worker: number;
  readonly memory: PlaneMemory;
  /** Readable when the control thread wants the worker out of poll(2). */
  readonly eventFd: number;
  /** Of the control thread's epoll, which has no thread of its own to hear it; -1 for nobody's. */
  readonly bell: number;
}

/** With what it is told later. */
export interface FastWorkerData extends FastWorkerStart {
  readonly cipherMode: CipherMode;
  /** Whether the TUN takes and gives large UDP packets. */
  readonly udpOffload: boolean;
}

export type WorkerDrop = (typeof DROP_REASONS)[number];

const CLOCK_BOOTTIME = 7;
const POLLIN = 1;
const POLLFD_BYTES = 8;
const POLLFDS = 4;
/** Batches between two looks at the bell, and at how much there is to do, while packets flow: some milliseconds. */
const LOOK_AFTER = 64;
const REVENTS = 6;
const FOREVER = -1;
const NO_WORDS: readonly number[] = [];

export class WorkerLink {
  readonly libc: FastLibc;
  readonly words: Int32Array;
  readonly ring: RingWriter;
  readonly worker: number;
  readonly #line: number;
  readonly #ffi: Ffi;
  readonly #drops: Float64Array;
  readonly #notify: () => void;
  readonly #eventFd: number;
  readonly #bell: number;
  readonly #event: Memory;
  readonly #eventAt: Handle;
  readonly #polled: Memory;
  readonly #timespec: Memory;
  readonly #time: unknown;
  readonly #pollfds: unknown;
  readonly #counter: unknown;
  readonly #size8: unknown;
  readonly #policy: BatchPolicy;
  #isActive = false;
  /** What starting took was given back, once there was nothing to do for a while. */
  #hasShrunk = false;

  constructor(ffi: Ffi, { worker, memory, eventFd, bell }: FastWorkerData, notify: () => void) {
    this.#ffi = ffi;
    this.libc = loadFastLibc(ffi);
    this.worker = worker;
    this.#line = wordOf(worker, 0);
    this.words = new Int32Array(memory.words);
    const own = memory.workers[worker]!;
    this.ring = new RingWriter(own.ring);
    this.#drops = new Float64Array(own.drops);
    this.#notify = notify;
    this.#eventFd = eventFd;
    this.#bell = bell;
    this.#event = new Memory(ffi, EVENT_BYTES);
    this.#eventAt = this.#event.at(0);
    this.#polled = new Memory(ffi, POLLFDS * POLLFD_BYTES + 8);
    this.#timespec = new Memory(ffi, 16);
    this.#time = this.#timespec.at(0);
    this.#pollfds = this.#polled.at(0);
    this.#counter = this.#polled.at(POLLFDS * POLLFD_BYTES);
    this.#size8 = ffi.size(8);
    this.#policy = createBatchPolicy(ffi, this.libc);
  }

  /** Runs `batch` until the control thread says stop. It returns when there is nothing to do. */
  run(batch: (generation: number) => void): void {
    Atomics.store(this.words, this.#line + THREAD_ID, ownThreadId(this.#ffi, this.libc));
    wake(this.words, this.worker);
    this.#notify(); // everything that it needs is there
    try {
      for (let batches = 1; !mustStop(this.words); batches++) {
        if (batches % LOOK_AFTER === 0) this.#look();
        batch(passGate(this.words, this.worker));
      }
    } finally {
      leave(this.words, this.worker);
    }
  }

  /** Of the tables, after `sleepUntilRead` in the middle of a batch. */
  generation(): number {
    return passGate(this.words, this.worker);
  }

  /** One of the worker's DESCRIPTORS, -1 for none. */
  descriptor(field: number): number {
    return this.words[this.#line + field]!;
  }

  /** CLOCK_BOOTTIME in milliseconds, as the control thread's. */
  now(): number {
    this.libc.clock_gettime(CLOCK_BOOTTIME, this.#time);
    const { view } = this.#timespec;
    return view.getUint32(0, true) * 1000 + view.getUint32(8, true) / 1e6;
  }

  drop(reason: WorkerDrop, count = 1): void {
    this.#drops[DROP_INDEX[reason]]! += count;
  }

  /** Hands something to the control thread. False when it has too much to do already. */
  push(kind: number, words: ArrayLike<number>, bytes: Uint8Array, offset: number, length: number): boolean {
    const isPushed = this.ring.push(kind, words, bytes, offset, length);
    this.#call();
    return isPushed;
  }

  pushEvent(kind: number, words: ArrayLike<number> = NO_WORDS): boolean {
    return this.push(kind, words, NO_BYTES, 0, 0);
  }

  /** A packet was carried: the control thread hears of it when it has asked to. */
  noteActivity(): void {
    this.#isActive = true;
    if (this.words[this.#line + WANTED] !== 0) this.#tellActivity();
  }

  /**
   * Sleeps until one of the descriptors is readable or the control thread calls. Negative ones are passed over. True when the
   * second one is readable and the first is not.
   */
  sleepUntilReadable(first: number, second = -1): boolean {
    const { view } = this.#polled;
    view.setInt32(0, this.#eventFd, true);
    view.setInt32(POLLFD_BYTES, first, true);
    view.setInt32(2 * POLLFD_BYTES, second, true);
    view.setInt32(3 * POLLFD_BYTES, this.#bell, true);
    for (let i = 0; i < POLLFDS; i++) view.setInt32(i * POLLFD_BYTES + 4, POLLIN, true); // and no `revents`
    sleep(this.words, this.worker);
    // Stored before WANTED was read, if not earlier: see `collect`.
    if (this.#isActive && Atomics.load(this.words, this.#line + WANTED) !== 0) this.#tellActivity();
    this.#isActive = false;
    this.#poll();
    if (view.getInt16(REVENTS, true) !== 0) this.libc.read(this.#eventFd, this.#counter, this.#size8);
    wake(this.words, this.worker);
    if (view.getInt16(3 * POLLFD_BYTES + REVENTS, true) !== 0) this.#hearBell();
    return view.getInt16(2 * POLLFD_BYTES + REVENTS, true) !== 0 && view.getInt16(POLLFD_BYTES + REVENTS, true) === 0;
  }

  /** What is to be done once there is nothing to do is done on the way. */
  #poll(): void {
    if (this.#policy.isBatch) {
      if (!this.#isIdleFor(CALM_AFTER_MS)) return;
      this.#policy.calm();
    }
    if (!this.#hasShrunk) {
      if (!this.#isIdleFor(SHRINK_AFTER_MS)) return;
      shrinkHeap();
      this.#hasShrunk = true;
    }
    this.#isIdleFor(FOREVER);
  }

  #isIdleFor(timeoutMs: number): boolean {
    return this.libc.poll(this.#pollfds, this.#ffi.size(POLLFDS), timeoutMs) === 0;
  }

  /** Sleeps until the control thread has read something from the ring, or for so long. */
  sleepUntilRead(timeoutMs: number): void {
    sleep(this.words, this.worker);
    this.ring.waitForReader(timeoutMs);
    wake(this.words, this.worker);
  }

  #look(): void {
    this.#policy.look(this.now());
    if (this.#bell >= 0) this.#hearBell();
  }

  /** It rings once; the control thread asks what it is about. */
  #hearBell(): void {
    if (this.libc.epoll_wait(this.#bell, this.#eventAt, 1, 0) > 0) this.#call();
  }

  #tellActivity(): void {
    if (Atomics.exchange(this.words, this.#line + WANTED, 0) !== 0) this.#call();
  }

  #call(): void {
    if (Atomics.exchange(this.words, this.#line + PENDING, 1) === 0) this.#notify();
  }
}

const NO_BYTES = new Uint8Array(0);

const DROP_INDEX = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, index])) as Record<
  WorkerDrop,
  number
>; // each of them
