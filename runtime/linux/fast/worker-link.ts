/**
 * What both workers have in common: the shared tables, a ring and a call to the control thread, a clock, and a poll(2) that
 * they sleep in.
 *
 * Every batch begins with `begin()`. Between `sleep` and its end nothing shared is read, so that the control thread need not wait
 * for a worker that has nothing to do. While packets flow nobody is woken and nobody polls.
 */
import { mustStop, passGate, type Role, leave, sleep, wake } from '../../../src/plane/gate.ts';
import {
  DROP_REASONS,
  dropCounts,
  PENDING,
  type PlaneMemory,
  THREAD_ID,
  WANTED,
} from '../../../src/plane/plane-memory.ts';
import { RingWriter } from '../../../src/plane/ring.ts';
import type { Ffi } from '../ffi.ts';
import { Memory } from '../memory.ts';
import type { CipherMode } from './slot-cipher.ts';
import { type FastLibc, loadFastLibc } from './fast-libc.ts';
import { ownThreadId } from './thread-id.ts';

/** What a worker is started with. */
export interface FastWorkerData {
  readonly role: Role;
  readonly memory: PlaneMemory;
  /** Readable when the control thread wants the worker out of poll(2). */
  readonly eventFd: number;
  readonly cipherMode: CipherMode;
  /** Whether the TUN takes and gives large UDP packets. */
  readonly udpOffload: boolean;
}

export type WorkerDrop = (typeof DROP_REASONS)[number];

const CLOCK_BOOTTIME = 7;
const POLLIN = 1;
const POLLFD_BYTES = 8;
const FOREVER = -1;
const NO_WORDS: readonly number[] = [];

export class WorkerLink {
  readonly libc: FastLibc;
  readonly words: Int32Array;
  readonly ring: RingWriter;
  readonly role: Role;
  readonly #ffi: Ffi;
  readonly #drops: Float64Array;
  readonly #notify: () => void;
  readonly #eventFd: number;
  readonly #polled: Memory;
  readonly #timespec: Memory;
  readonly #time: unknown;
  readonly #pollfds: unknown;
  readonly #counter: unknown;
  readonly #size8: unknown;
  #isActive = false;

  constructor(ffi: Ffi, { role, memory, eventFd }: FastWorkerData, notify: () => void) {
    this.#ffi = ffi;
    this.libc = loadFastLibc(ffi);
    this.role = role;
    this.words = new Int32Array(memory.words);
    this.ring = new RingWriter(memory.rings[role]);
    this.#drops = dropCounts(memory, role);
    this.#notify = notify;
    this.#eventFd = eventFd;
    this.#polled = new Memory(ffi, 4 * POLLFD_BYTES + 8);
    this.#timespec = new Memory(ffi, 16);
    this.#time = this.#timespec.at(0);
    this.#pollfds = this.#polled.at(0);
    this.#counter = this.#polled.at(4 * POLLFD_BYTES);
    this.#size8 = ffi.size(8);
  }

  /** Runs `batch` until the control thread says stop. It returns when there is nothing to do. */
  run(batch: (generation: number) => void): void {
    Atomics.store(this.words, THREAD_ID[this.role], ownThreadId(this.#ffi, this.libc));
    wake(this.words, this.role);
    try {
      while (!mustStop(this.words)) batch(passGate(this.words, this.role));
    } finally {
      leave(this.words, this.role);
    }
  }

  /** Of the tables, after `sleepUntilRead` in the middle of a batch. */
  generation(): number {
    return passGate(this.words, this.role);
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
    if (this.words[WANTED[this.role]] !== 0) this.#tellActivity();
  }

  /** Sleeps until one of the descriptors is readable or the control thread calls. Negative ones are passed over. */
  sleepUntilReadable(first: number, second = -1): void {
    const { view } = this.#polled;
    view.setInt32(0, this.#eventFd, true);
    view.setInt32(POLLFD_BYTES, first, true);
    view.setInt32(2 * POLLFD_BYTES, second, true);
    for (let i = 0; i < 3; i++) view.setInt32(i * POLLFD_BYTES + 4, POLLIN, true);
    sleep(this.words, this.role);
    // Stored before WANTED was read, if not earlier: see `collect`.
    if (this.#isActive && Atomics.load(this.words, WANTED[this.role]) !== 0) this.#tellActivity();
    this.#isActive = false;
    this.libc.poll(this.#pollfds, this.#ffi.size(3), FOREVER);
    if (view.getInt16(6, true) !== 0) this.libc.read(this.#eventFd, this.#counter, this.#size8);
    wake(this.words, this.role);
  }

  /** Sleeps until the control thread has read something from the ring, or for so long. */
  sleepUntilRead(timeoutMs: number): void {
    sleep(this.words, this.role);
    this.ring.waitForReader(timeoutMs);
    wake(this.words, this.role);
  }

  #tellActivity(): void {
    if (Atomics.exchange(this.words, WANTED[this.role], 0) !== 0) this.#call();
  }

  #call(): void {
    if (Atomics.exchange(this.words, PENDING[this.role], 1) === 0) this.#notify();
  }
}

const NO_BYTES = new Uint8Array(0);

const DROP_INDEX = Object.fromEntries(DROP_REASONS.map((reason, index) => [reason, index])) as Record<
  WorkerDrop,
  number
>; // each of them
