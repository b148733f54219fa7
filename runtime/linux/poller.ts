/**
 * Tells when descriptors become readable, without a thread of the main loop ever blocking: one worker sits in poll(2).
 *
 * Each watch is one-shot: after its listener was called it stays silent until `arm()`. Under bulk load nobody arms
 * anything, since reads go on until there is no more, and so no thread hop is paid.
 */
import type { Worker } from 'node:worker_threads';
import type { Ffi, Handle } from './ffi.ts';
import { loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import {
  ARMED,
  FD,
  GENERATION,
  PENDING,
  READY,
  RUNNING,
  SEEN,
  SHARED_INTS,
  SLEEPING,
  slotField,
  SLOTS,
  STOP,
  type PollLoopData,
} from './poll-loop.ts';

const EFD_CLOEXEC_NONBLOCK = 0x80800;

export interface Watch {
  /** Calls the listener once when the descriptor is readable, at once if it is so now. */
  arm(): void;
  /** Returns when the worker no longer holds the descriptor, so that closing it has its effect. */
  release(): void;
}

export interface Poller {
  /** Starts unarmed. */
  watch(fd: number, listener: () => void): Watch;
  /** Ends the worker. Every watch must have been released. */
  close(): Promise<void>;
}

/** `startWorker` starts a worker of this runtime that calls `runPollLoop` with what it is given. */
export function createPoller(ffi: Ffi, startWorker: (data: PollLoopData) => Worker): Poller {
  return new WorkerPoller(ffi, startWorker);
}

class WorkerPoller implements Poller {
  readonly #libc: Libc;
  readonly #shared = new Int32Array(new SharedArrayBuffer(4 * SHARED_INTS));
  readonly #listeners: ((() => void) | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  readonly #eventFd: number;
  readonly #one: Memory;
  readonly #size8: Handle;
  readonly #worker: Worker;
  readonly #exited: Promise<void>;

  constructor(ffi: Ffi, startWorker: (data: PollLoopData) => Worker) {
    this.#libc = loadLibc(ffi);
    this.#one = new Memory(ffi, 8);
    this.#one.setUint64(0, 1);
    this.#size8 = ffi.size(8);
    this.#eventFd = this.#libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (this.#eventFd < 0) throw new LibcError('cannot create an eventfd', ffi.errno());
    for (let slot = 0; slot < SLOTS; slot++) this.#shared[slotField(slot, FD)] = -1;
    this.#worker = startWorker({ shared: this.#shared, eventFd: this.#eventFd });
    this.#worker.on('message', () => this.#dispatch());
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
  }

  watch(fd: number, listener: () => void): Watch {
    const slot = this.#listeners.indexOf(undefined);
    if (slot < 0) throw new RangeError(`"fd" expected at most ${SLOTS} watched descriptors`);
    this.#listeners[slot] = listener;
    Atomics.store(this.#shared, slotField(slot, READY), 0);
    Atomics.store(this.#shared, slotField(slot, FD), fd);
    return { arm: () => this.#arm(slot), release: () => this.#release(slot) };
  }

  async close(): Promise<void> {
    Atomics.store(this.#shared, STOP, 1);
    this.#interrupt();
    await this.#exited;
    this.#libc.close(this.#eventFd);
  }

  #arm(slot: number): void {
    Atomics.store(this.#shared, slotField(slot, ARMED), 1);
    if (Atomics.load(this.#shared, SLEEPING) === 1) this.#interrupt();
  }

  #release(slot: number): void {
    Atomics.store(this.#shared, slotField(slot, ARMED), 0);
    Atomics.store(this.#shared, slotField(slot, FD), -1);
    this.#listeners[slot] = undefined;
    const generation = Atomics.add(this.#shared, GENERATION, 1) + 1;
    this.#interrupt();
    // One that begins from here on reads that the place is free, and one that ends says so.
    while (Atomics.load(this.#shared, RUNNING) === 1) {
      const seen = Atomics.load(this.#shared, SEEN);
      if (seen === generation) return;
      Atomics.wait(this.#shared, SEEN, seen);
    }
  }

  #interrupt(): void {
    this.#libc.write(this.#eventFd, this.#one.at(0), this.#size8);
  }

  #dispatch(): void {
    Atomics.store(this.#shared, PENDING, 0);
    for (let slot = 0; slot < SLOTS; slot++)
      if (Atomics.exchange(this.#shared, slotField(slot, READY), 0) === 1) this.#listeners[slot]?.();
  }
}
