/**
 * The two threads of a data plane, as the control thread has them. They take longer to start than everything else together, so
 * they are started first, and wait until they are told the rest.
 */
import { Worker } from 'node:worker_threads';
import { leave, type Role, ROLES, STOP, type Workers } from '../../../src/plane/gate.ts';
import { BEGUN, CIPHER_MODE, type PlaneMemory, THREAD_ID, UDP_OFFLOAD } from '../../../src/plane/plane-memory.ts';
import type { Ffi } from '../ffi.ts';
import { LibcError, loadLibc } from '../libc.ts';
import { Memory } from '../memory.ts';
import { CIPHER_MODES, type CipherMode } from './slot-cipher.ts';
import { isThreadGone } from './thread-id.ts';
import type { FastWorkerStart } from './worker-link.ts';

const EFD_CLOEXEC_NONBLOCK = 0x80800;

export interface WorkerThreads extends Workers {
  /** Wakes both, if they sleep. */
  readonly call: () => void;
  /** Tells them the rest. Resolves once both carry packets; rejects when one cannot. */
  begin(settings: { cipherMode: CipherMode; udpOffload: boolean }): Promise<void>;
  /** Resolves when one has ended though nobody told it to. */
  readonly failed: Promise<Error>;
  /** Ends both, whether or not they have begun. */
  stop(): Promise<void>;
}

/** `module` calls `runFastWorker`; `onCall` is called for each message of a worker. Throws where there are no threads. */
export function startWorkerThreads(
  ffi: Ffi,
  module: URL,
  { memory, bell, onCall }: { memory: PlaneMemory; bell: number; onCall: (role: Role) => void },
): WorkerThreads {
  const libc = loadLibc(ffi);
  const words = new Int32Array(memory.words);
  const one = new Memory(ffi, 8);
  one.setUint64(0, 1);
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  let isStopping = false;
  const eventFds: number[] = [];
  const exits: Promise<void>[] = [];
  const begun: Promise<void>[] = [];

  function call(): void {
    for (const fd of eventFds) libc.write(fd, one.at(0), ffi.size(8));
  }

  function start(role: Role): void {
    const eventFd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (eventFd < 0) throw new LibcError('cannot create an eventfd', ffi.errno());
    eventFds.push(eventFd);
    const workerData: FastWorkerStart = { role, memory, eventFd, bell: role === 'inbound' ? bell : -1 };
    const thread = new Worker(module, { workerData });
    thread.on('message', () => onCall(role));
    begun.push(new Promise((resolve) => thread.once('message', () => resolve())));
    const end = (error: Error): void => {
      leave(words, role); // one that was ended from outside has not said so: nobody may wait for it
      if (!isStopping) fail(error);
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
    for (const role of ROLES) start(role);
  } catch (error) {
    void stop();
    throw error;
  }
  return {
    isGone: (role) => isThreadGone(ffi, libc, Atomics.load(words, THREAD_ID[role])),
    call,
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
