/**
 * Tells when descriptors become readable, without a thread of the main loop ever blocking: one worker waits for the bell of an
 * epoll.
 *
 * Each watch is one-shot: after its listener was called it stays silent until `arm()`. Under bulk load nobody arms
 * anything, since reads go on until there is no more, and so no thread hop is paid.
 */
import type { Worker } from 'node:worker_threads';
import { Epoll, type Watch } from './epoll.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc, LibcError } from './libc.ts';
import { Memory } from './memory.ts';
import { PENDING, type PollLoopData, SHARED_INTS, STOP } from './poll-loop.ts';

const EFD_CLOEXEC_NONBLOCK = 0x80800;

export type { Watch } from './epoll.ts';

/** Who watches descriptors. */
export interface Watches {
  /** Starts unarmed. */
  watch(fd: number, listener: () => void): Watch;
}

export interface Poller extends Watches {
  /** Ends the worker. Every watch must have been released. */
  close(): Promise<void>;
}

/** `startWorker` starts a worker of this runtime that calls `runPollLoop` with what it is given. */
export function createPoller(ffi: Ffi, startWorker: (data: PollLoopData) => Worker): Poller {
  const libc = loadLibc(ffi);
  const shared = new Int32Array(new SharedArrayBuffer(4 * SHARED_INTS));
  const epoll = new Epoll(ffi);
  const stopFd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
  if (stopFd < 0) throw new LibcError('cannot create an eventfd', ffi.errno());
  epoll.ringFor(stopFd);
  const one = new Memory(ffi, 8);
  one.setUint64(0, 1);
  const worker = startWorker({ shared, bell: epoll.bell });
  worker.on('message', () => {
    Atomics.store(shared, PENDING, 0); // what comes later is another wake-up
    epoll.dispatch();
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    watch: (fd, listener) => epoll.watch(fd, listener),
    async close() {
      Atomics.store(shared, STOP, 1);
      libc.write(stopFd, one.at(0), ffi.size(8));
      await exited;
      libc.close(stopFd);
      epoll.close();
    },
  };
}
