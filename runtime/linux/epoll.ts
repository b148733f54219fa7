/**
 * Descriptors that are watched with epoll(7), each for one time until it is armed again, and a bell: a descriptor that some other
 * thread waits for, and that rings when there is something to ask for. It is an epoll of the epoll, edge-triggered, so that
 * whoever has heard it need not wait until the others have been asked.
 *
 * epoll keeps no file open: what is closed is gone, whoever waits.
 */
import process from 'node:process';
import type { Ffi, Handle } from './ffi.ts';
import { loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';

const EPOLL_CLOEXEC = 0x80000;
const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;
const EPOLLIN = 1;
const EPOLLONESHOT = 1 << 30;
const EPOLLET = 1 << 31;

/** struct epoll_event: the events, and a number of ours; packed on x86-64 only. */
const DATA = process.arch === 'x64' ? 4 : 8;
export const EVENT_BYTES = DATA + 8;
const EVENTS_AT_ONCE = 16;

export interface Watch {
  /** Calls the listener once when the descriptor is readable, at once if it is so now. Nothing once it was released. */
  arm(): void;
  /** The listener is never called again, and closing the descriptor has its effect. */
  release(): void;
}

export class Epoll {
  /** For other threads to wait for, with epoll_wait(2): whoever does takes one event. */
  readonly bell: number;
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #epoll: number;
  readonly #listeners = new Map<number, () => void>();
  readonly #event: Memory;
  readonly #events: Memory;
  readonly #eventsAt: Handle;
  #lastId = 0;
  #isClosed = false;

  /** Throws LibcError when there is no descriptor for it. */
  constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#event = new Memory(ffi, EVENT_BYTES);
    this.#events = new Memory(ffi, EVENTS_AT_ONCE * EVENT_BYTES);
    this.#eventsAt = this.#events.at(0);
    this.#epoll = this.#create();
    this.bell = this.#create();
    this.ringFor(this.#epoll);
  }

  /** Starts unarmed. */
  watch(fd: number, listener: () => void): Watch {
    const id = ++this.#lastId;
    this.#listeners.set(id, listener);
    let isAdded = false;
    return {
      arm: () => {
        if (!this.#listeners.has(id)) return; // its number may be another file's by now
        // Not before: one that nothing is asked of tells of errors and hang-ups all the same, until it has done so once.
        this.#control(this.#epoll, isAdded ? CTL_MOD : CTL_ADD, fd, EPOLLIN | EPOLLONESHOT, id);
        isAdded = true;
      },
      release: () => {
        if (this.#listeners.delete(id) && isAdded) this.#control(this.#epoll, CTL_DEL, fd, 0, 0);
      },
    };
  }

  /** The bell rings as well each time that this descriptor becomes readable. */
  ringFor(fd: number): void {
    this.#control(this.bell, CTL_ADD, fd, EPOLLIN | EPOLLET, 0);
  }

  /** Calls the listeners of whatever is readable. A call that comes too late takes nothing from an epoll that has our number now. */
  dispatch(): void {
    const { view } = this.#events;
    while (!this.#isClosed) {
      const count = this.#libc.epoll_wait(this.#epoll, this.#eventsAt, EVENTS_AT_ONCE, 0);
      const ids = Array.from({ length: Math.max(count, 0) }, (_, i) => view.getInt32(i * EVENT_BYTES + DATA, true));
      for (const id of ids) this.#listeners.get(id)?.();
      if (count < EVENTS_AT_ONCE) return; // the bell does not ring again for what is left
    }
  }

  /** Every watch must have been released. */
  close(): void {
    this.#isClosed = true;
    this.#libc.close(this.bell);
    this.#libc.close(this.#epoll);
  }

  #create(): number {
    const fd = this.#libc.epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw new LibcError('cannot create an epoll', this.#ffi.errno());
    return fd;
  }

  #control(epoll: number, operation: number, fd: number, events: number, id: number): void {
    this.#event.view.setInt32(0, events, true);
    this.#event.view.setInt32(DATA, id, true);
    if (this.#libc.epoll_ctl(epoll, operation, fd, this.#event.at(0)) < 0)
      throw new LibcError('cannot watch a descriptor', this.#ffi.errno());
  }
}
