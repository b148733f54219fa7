/**
 * The threads of a data plane, as the control thread has them. They take longer to start than everything else together, so
 * they are started first, and wait until they are told the rest.
 */
import { Worker } from 'node:worker_threads';
import { leave, STOP, type Workers } from '../../../src/plane/gate.ts';
import {
  BEGUN,
  CIPHER_MODE,
  DISMISSED,
  type PlaneMemory,
  THREAD_ID,
  UDP_OFFLOAD,
  wordOf,
} from '../../../src/plane/plane-memory.ts';
import type { Ffi } from '../ffi.ts';
import { LibcError, loadLibc } from '../libc.ts';
import { Memory } from '../memory.ts';
import { CIPHER_MODES, type CipherMode } from './slot-cipher.ts';
import { isThreadGone } from './thread-id.ts';
import type { FastWorkerStart } from './worker-link.ts';

const EFD_CLOEXEC_NONBLOCK = 0x80800;

export interface WorkerThreads extends Workers {
  /** Wakes all that sleep. */
  readonly call: () => void;
  /** It is not needed after all, and ends as soon as the others begin. */
  dismiss(worker: number): void;
  /** Tells them the rest. Resolves once they carry packets; rejects when one cannot. */
  begin(settings: { cipherMode: CipherMode; udpOffload: boolean }): Promise<void>;
  /** Resolves when one has ended though nobody told it to. */
  readonly failed: Promise<Error>;
  /** Ends all of them, whether or not they have begun. */
  stop(): Promise<void>;
}

/** `module` calls `runFastWorker`; `onCall` is called for each message of a worker. Throws where there are no threads. */
export function startWorkerThreads(
  ffi: Ffi,
  module: URL,
  { memory, bell, onCall }: { memory: PlaneMemory; bell: number; onCall: (worker: number) => void },
): WorkerThreads {
  const libc = loadLibc(ffi);
  const words = new Int32Array(memory.words);
  const one = new Memory(ffi, 8);
  one.setUint64(0, 1);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  let isStopping = false;
  const dismissed = new Set<number>();
  const eventFds: number[] = [];
  const exits: Promise<void>[] = [];
  const begun: Promise<void>[] = [];

  function call(): void {
    for (const fd of eventFds) libc.write(fd, one.at(0), ffi.size(8));
  }

  function start(worker: number): void {
    const { role, index } = memory.workers[worker]!;
    const eventFd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (eventFd < 0) throw new LibcError('cannot create an eventfd', ffi.errno());
    eventFds.push(eventFd);
    const isListener = role === 'inbound' && index === 0;
    const workerData: FastWorkerStart = { worker, memory, eventFd, bell: isListener ? bell : -1 };
    const thread = new Worker(module, { workerData });
    thread.on('message', () => onCall(worker));
    const beginning = Promise.withResolvers<void>();
    begun.push(beginning.promise);
    thread.once('message', () => beginning.resolve());
    const end = (error: Error): void => {
      leave(words, worker); // one that was ended from outside has not said so: nobody may wait for it
      if (dismissed.has(worker)) beginning.resolve();
      else if (!isStopping) fail(error);
    };
    thread.on('error', (error) => end(error instanceof Error ? error : new Error(String(error))));
    const exit = Promise.withResolvers<void>();
    thread.once('exit', () => {
      end(new Error(`the ${role} worker has ended`));
      exit.resolve();
    });
    exits.push(exit.promise);
  }

  async function stop(): Promise<void> {
    isStopping = true;
    Atomics.store(words, STOP, 1);
    Atomics.store(words, BEGUN, 1);
    Atomics.notify(words, BEGUN);
    call();
    await Promise.all(exits);
    for (const fd of eventFds) libc.close(fd);
  }

  try {
    for (const worker of memory.workers.keys()) start(worker);
  } catch (error) {
    void stop();
    throw error;
  }
  return {
    isGone: (worker) => isThreadGone(ffi, libc, Atomics.load(words, wordOf(worker, THREAD_ID))),
    call,
    dismiss(worker) {
      dismissed.add(worker);
      words[wordOf(worker, DISMISSED)] = 1;
    },
    async begin({ cipherMode, udpOffload }) {
      words[CIPHER_MODE] = CIPHER_MODES.indexOf(cipherMode);
      words[UDP_OFFLOAD] = udpOffload ? 1 : 0;
      Atomics.store(words, BEGUN, 1);
      Atomics.notify(words, BEGUN);
      await Promise.race([Promise.all(begun), failed.then((error) => Promise.reject(error))]);
    },
    failed,
    stop,
  };
}
