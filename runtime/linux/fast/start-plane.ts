/**
 * Starts a data plane on the control thread: the shared memory, the workers, and the ports that the tunnel's loop gets
 * instead of the interface and the sockets themselves. What few other descriptors there are to watch, an inbound worker watches.
 */
import type { Clock, RandomBytes } from '../../../src/clock.ts';
import type { CryptoProvider } from '../../../src/crypto/port.ts';
import type { Device } from '../../../src/device/device.ts';
import type { Log } from '../../../src/log.ts';
import { answerCalls } from '../../../src/plane/calls.ts';
import { ControlPlane } from '../../../src/plane/control-plane.ts';
import { ENDPOINT_WORDS } from '../../../src/plane/endpoint-words.ts';
import { atGate } from '../../../src/plane/gate.ts';
import {
  createPlaneMemory,
  DESCRIPTORS,
  type PlaneMemory,
  type Role,
  TUN_FD,
  UDP4_FD,
  UDP6_FD,
  type WorkerCounts,
  wordOf,
} from '../../../src/plane/plane-memory.ts';
import { CONFIRMED_RECORD, MOVED_RECORD, REFUSED_RECORD, SOURCE_LOST_RECORD } from '../../../src/plane/records.ts';
import { RingReaders } from '../../../src/plane/ring.ts';
import { rehearse } from '../../../src/plane/rehearse.ts';
import type { Tun, Udp } from '../../../src/tunnel/ports.ts';
import { Epoll } from '../epoll.ts';
import type { Ffi } from '../ffi.ts';
import { loadLibc } from '../libc.ts';
import { Memory } from '../memory.ts';
import type { Watches } from '../poller.ts';
import { LinuxUdp, type SocketPair } from '../udp.ts';
import { SHRINK_AFTER_MS, shrinkHeap } from '../v8-heap.ts';
import { SOL_UDP, UDP_GRO } from './fast-libc.ts';
import { FastTun } from './fast-tun.ts';
import { FastUdp } from './fast-udp.ts';
import { limitLargePackets, setOffloads } from './tun-offload.ts';
import { openTunQueues, type TunQueues } from './tun-queues.ts';
import { createWorkerCiphers, type WorkerCiphers } from './worker-ciphers.ts';
import { startWorkerThreads, type WorkerThreads } from './worker-threads.ts';

const MOVED_WORDS = 3 + ENDPOINT_WORDS;

export interface FastParts {
  ffi: Ffi;
  crypto: CryptoProvider;
  clock: Clock;
  random: RandomBytes;
  log: Log;
  /** The module of this runtime that calls `runFastWorker`. */
  worker: URL;
  /** How many of them, where the interface lets them be. */
  workers: WorkerCounts;
}

/** What a tunnel is made of. `attach` its Device before anything happens; `stop` once it is closed. */
export interface FastTunnel {
  tun: Tun;
  udp: Udp;
  crypto: CryptoProvider;
  plane: ControlPlane;
  /** Of other descriptors. */
  watches: Watches;
  attach(device: Device): void;
  /** Resolves when a worker has ended though nobody told it to. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/**
 * Resolves to undefined, having said why, where something is missing that workers need: the single-threaded tunnel does without.
 * Rejects when the interface cannot be had.
 */
export async function startFastTunnel(name: string, parts: FastParts): Promise<FastTunnel | undefined> {
  const { ffi, crypto, log, worker, workers } = parts;
  const doWithout = (error: unknown): undefined => {
    log.warn({ error: String(error) }, 'one thread does everything: the workers cannot be had');
  };
  const stage: Stage = { memory: createPlaneMemory(undefined, workers), epoll: new Epoll(ffi), onCall: () => {} };
  let threads: WorkerThreads;
  try {
    const onCall = (number: number): void => stage.onCall(number);
    threads = startWorkerThreads(ffi, worker, { memory: stage.memory, bell: stage.epoll.bell, onCall });
  } catch (error) {
    stage.epoll.close();
    return doWithout(error);
  }
  const dismiss = async (): Promise<void> => {
    await threads.stop();
    stage.epoll.close();
  };
  const ciphers = createWorkerCiphers(ffi, crypto, undefined, Math.max(workers.outbound, workers.inbound));
  if (ciphers === undefined) {
    await dismiss();
    return doWithout('libcrypto lacks something');
  }
  let queues: TunQueues;
  try {
    queues = openTunQueues(ffi, stage.epoll, name, log, workers.outbound);
  } catch (error) {
    await dismiss();
    throw error;
  }
  let tunnel: ReturnType<typeof connect>;
  let udpOffload: boolean;
  try {
    ({ udpOffload } = setOffloads(ffi, queues.writeFd));
    limitLargePackets(ffi, name);
    tunnel = connect(parts, stage, { threads, ciphers, queues });
  } catch (error) {
    await queues.close();
    await dismiss(); // threads that wait keep the process alive
    throw error;
  }
  try {
    const begun = threads.begin({ cipherMode: ciphers.mode, udpOffload });
    begun.catch(() => {}); // it is awaited below
    const { clock, random } = parts;
    if (!rehearse({ crypto: ciphers.crypto, ciphers, clock, random }))
      throw new Error('a handshake with itself came to nothing');
    await begun;
  } catch (error) {
    await Promise.all([tunnel.tun.close(), tunnel.udp.close()]);
    await dismiss();
    return doWithout(error);
  }
  const timer = setTimeout(shrinkHeap, SHRINK_AFTER_MS);
  return {
    ...tunnel,
    stop() {
      clearTimeout(timer);
      return dismiss();
    },
  };
}

/** What exists before the threads do. */
interface Stage {
  readonly memory: PlaneMemory;
  readonly epoll: Epoll;
  /** What to do with each message of a worker. */
  onCall: (worker: number) => void;
}

function connect(
  { ffi, clock, log, workers }: FastParts,
  stage: Stage,
  { threads, ciphers, queues }: { threads: WorkerThreads; ciphers: WorkerCiphers; queues: TunQueues },
): Omit<FastTunnel, 'stop'> {
  const { memory, epoll } = stage;
  const libc = loadLibc(ffi);
  const words = new Int32Array(memory.words);
  const ringsOf = (role: Role): RingReaders =>
    new RingReaders(memory.workers.filter((worker) => worker.role === role).map(({ ring }) => ring));
  /** With one queue there is one pair. */
  const inbound = queues.readFds.length < workers.outbound ? 1 : workers.inbound;
  const plane = new ControlPlane(memory, ciphers, threads);
  const one = new Memory(ffi, 4);
  one.view.setInt32(0, 1, true);
  let device: Device | undefined;

  function letGo(descriptors: readonly number[]): void {
    const change = (): void => {
      for (const worker of memory.workers.keys())
        for (const field of DESCRIPTORS)
          if (descriptors.includes(words[wordOf(worker, field)]!)) words[wordOf(worker, field)] = -1;
    };
    atGate(words, threads, change, threads.call);
  }

  const linuxUdp = new LinuxUdp(ffi, epoll, {
    socketPoller: { watch: (fd) => ({ arm() {}, release: () => letGo([fd]) }) },
    count: inbound,
    onNotShared: (error) =>
      log.warn({ error: String(error) }, 'one worker receives everything: the port cannot have several sockets'),
  });

  /** A pair for each worker that receives; those that send share them. */
  function setSockets(pairs: readonly SocketPair[]): void {
    // Without it they come one by one.
    for (const { v4, v6 } of pairs)
      for (const fd of [v4, v6]) if (fd >= 0) libc.setsockopt(fd, SOL_UDP, UDP_GRO, one.at(0), 4);
    const change = (): void => {
      for (const [worker, { role, index }] of memory.workers.entries()) {
        const pair = pairs[role === 'outbound' ? index % pairs.length : index] ?? { v4: -1, v6: -1 };
        words[wordOf(worker, UDP4_FD)] = pair.v4;
        words[wordOf(worker, UDP6_FD)] = pair.v6;
      }
    };
    atGate(words, threads, change, threads.call);
  }

  for (const [worker, { role, index }] of memory.workers.entries()) {
    const isNeeded = role === 'outbound' ? index < queues.readFds.length : index < inbound;
    if (isNeeded) words[wordOf(worker, TUN_FD)] = role === 'outbound' ? queues.readFds[index]! : queues.writeFd;
    else threads.dismiss(worker);
  }

  const tun = new FastTun({
    ffi,
    queues,
    rings: ringsOf('outbound'),
    onRecord: (ring) => {
      if (ring.kind === SOURCE_LOST_RECORD) plane.handleSourceLost(ring.wordsAt(0, 2));
    },
    letGo,
  });
  const udp = new FastUdp({
    udp: linuxUdp,
    rings: ringsOf('inbound'),
    onRecord: (ring) => {
      if (ring.kind === REFUSED_RECORD) queueMicrotask(() => tun.refresh());
      if (device === undefined) return;
      if (ring.kind === MOVED_RECORD) plane.handleMoved(device, ring.wordsAt(0, MOVED_WORDS), linuxUdp.routing);
      if (ring.kind === CONFIRMED_RECORD) plane.handleConfirmed(device, ring.wordsAt(0, 2), clock.monotonic());
    },
    onBound: setSockets,
  });

  /** What inbound says comes first: outbound's packets may be answers to what it has heard. */
  const wakes: Readonly<Record<Role, () => void>> = {
    inbound() {
      epoll.dispatch();
      udp.wake();
    },
    outbound() {
      udp.wake();
      tun.wake();
    },
  };
  stage.onCall = answerCalls(
    words,
    (callback) => void setImmediate(callback),
    (worker) => {
      plane.handleNews(clock.monotonic());
      wakes[memory.workers[worker]!.role]();
    },
  );

  return {
    tun,
    udp,
    crypto: ciphers.crypto,
    plane,
    watches: epoll,
    attach(attached) {
      device = attached;
      linuxUdp.onRoutingChange(() => {
        attached.reviewSources((endpoint) => linuxUdp.review(endpoint));
        plane.publishSending();
      });
    },
    failed: threads.failed,
  };
}
