/**
 * Starts a data plane on the control thread: the shared memory, the two workers, and the ports that the tunnel's loop gets
 * instead of the interface and the sockets themselves.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../../src/clock.ts';
import type { CryptoProvider } from '../../../src/crypto/port.ts';
import type { Device } from '../../../src/device/device.ts';
import type { Log } from '../../../src/log.ts';
import { answerCalls } from '../../../src/plane/calls.ts';
import { ControlPlane } from '../../../src/plane/control-plane.ts';
import { atGate, leave, type Role, ROLES, STOP, type Workers } from '../../../src/plane/gate.ts';
import { createPlaneMemory, THREAD_ID, TUN_FD, UDP4_FD, UDP6_FD } from '../../../src/plane/plane-memory.ts';
import { CONFIRMED_RECORD, MOVED_RECORD, REFUSED_RECORD, SOURCE_LOST_RECORD } from '../../../src/plane/records.ts';
import { RingReader } from '../../../src/plane/ring.ts';
import type { Tun, Udp } from '../../../src/tunnel/ports.ts';
import type { Ffi } from '../ffi.ts';
import { LibcError, loadLibc } from '../libc.ts';
import { Memory } from '../memory.ts';
import type { Poller } from '../poller.ts';
import { createVirtioTun } from '../tun.ts';
import { LinuxUdp } from '../udp.ts';
import { SOL_UDP, UDP_GRO } from './fast-libc.ts';
import { FastTun } from './fast-tun.ts';
import { FastUdp } from './fast-udp.ts';
import { isThreadGone } from './thread-id.ts';
import { limitLargePackets, setOffloads } from './tun-offload.ts';
import { createWorkerCiphers } from './worker-ciphers.ts';
import type { FastWorkerData } from './worker-link.ts';

const EFD_CLOEXEC_NONBLOCK = 0x80800;
const MOVED_WORDS = 15;

export interface FastParts {
  ffi: Ffi;
  poller: Poller;
  crypto: CryptoProvider;
  clock: Clock;
  log: Log;
  /** The module of this runtime that calls `runFastWorker`. */
  worker: URL;
}

/** What a tunnel is made of. `attach` its Device before anything happens; `stop` once it is closed. */
export interface FastTunnel {
  tun: Tun;
  udp: Udp;
  crypto: CryptoProvider;
  plane: ControlPlane;
  attach(device: Device): void;
  /** Resolves when a worker has ended though nobody told it to. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

/** Undefined where something is missing that workers need: the single-threaded tunnel does without. */
export function startFastTunnel(
  name: string,
  { ffi, poller, crypto, clock, log, worker }: FastParts,
): FastTunnel | undefined {
  const ciphers = createWorkerCiphers(ffi, crypto);
  if (ciphers === undefined) return undefined;
  const opened = createVirtioTun(ffi, poller, name, log);
  const { udpOffload } = setOffloads(ffi, opened.fd);
  limitLargePackets(ffi, name);
  const libc = loadLibc(ffi);
  const memory = createPlaneMemory();
  const words = new Int32Array(memory.words);
  const rings = { outbound: new RingReader(memory.rings.outbound), inbound: new RingReader(memory.rings.inbound) };
  const workers: Workers = {
    isGone: (role) => isThreadGone(ffi, libc, Atomics.load(words, THREAD_ID[role])),
  };
  const plane = new ControlPlane(memory, ciphers, workers);
  const one = new Memory(ffi, 8);
  one.setUint64(0, 1);
  const eventFds = ROLES.map(() => {
    const fd = libc.eventfd(0, EFD_CLOEXEC_NONBLOCK);
    if (fd < 0) throw new LibcError('cannot create an eventfd', ffi.errno());
    return fd;
  });
  let device: Device | undefined;

  function callWorkers(): void {
    for (const fd of eventFds) libc.write(fd, one.at(0), ffi.size(8));
  }

  function letGo(fd: number): void {
    const change = (): void => {
      for (const word of [TUN_FD, UDP4_FD, UDP6_FD]) if (words[word] === fd) words[word] = -1;
    };
    atGate(words, workers, change, callWorkers);
  }

  const socketPoller: Poller = {
    watch: (fd) => ({ arm() {}, release: () => letGo(fd) }),
    close: () => Promise.resolve(),
  };
  const linuxUdp = new LinuxUdp(ffi, poller, socketPoller);

  function setSockets({ v4, v6 }: { v4: number; v6: number }): void {
    one.view.setInt32(0, 1, true);
    // Without it they come one by one.
    for (const fd of [v4, v6]) if (fd >= 0) libc.setsockopt(fd, SOL_UDP, UDP_GRO, one.at(0), 4);
    const change = (): void => {
      words[UDP4_FD] = v4;
      words[UDP6_FD] = v6;
    };
    atGate(words, workers, change, callWorkers);
  }

  const tun = new FastTun({
    ffi,
    tun: opened.tun,
    fd: opened.fd,
    ring: rings.outbound,
    onRecord: (ring) => {
      if (ring.kind === SOURCE_LOST_RECORD) plane.handleSourceLost(ring.wordsAt(0, 2));
    },
    letGo,
  });
  const udp = new FastUdp({
    udp: linuxUdp,
    ring: rings.inbound,
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
    inbound: () => udp.wake(),
    outbound() {
      udp.wake();
      tun.wake();
    },
  };
  const handleCall = answerCalls(
    words,
    (callback) => void setImmediate(callback),
    (role) => {
      plane.handleNews(clock.monotonic());
      wakes[role]();
    },
  );
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  let isStopping = false;
  words[TUN_FD] = opened.fd;
  const exits = ROLES.map((role, index) => {
    const workerData: FastWorkerData = {
      role,
      memory,
      eventFd: eventFds[index]!,
      cipherMode: ciphers.mode,
      udpOffload,
    };
    const thread = new Worker(worker, { workerData });
    thread.on('message', () => handleCall(role));
    thread.on('error', (error) => {
      leave(words, role);
      fail(error instanceof Error ? error : new Error(String(error)));
    });
    return new Promise<void>((resolve) =>
      thread.once('exit', () => {
        leave(words, role); // one that was ended from outside has not said so: nobody may wait for it
        if (!isStopping) fail(new Error(`the ${role} worker has ended`));
        resolve();
      }),
    );
  });

  return {
    tun,
    udp,
    crypto: ciphers.crypto,
    plane,
    attach(attached) {
      device = attached;
      linuxUdp.onRoutingChange(() => {
        attached.reviewSources((endpoint) => linuxUdp.review(endpoint));
        plane.publishSending();
      });
    },
    failed,
    async stop() {
      isStopping = true;
      Atomics.store(words, STOP, 1);
      callWorkers();
      await Promise.all(exits);
      for (const fd of eventFds) libc.close(fd);
    },
  };
}
