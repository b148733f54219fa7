/**
 * A tunnel in this process: the interface, its UDP socket and its UAPI socket, until the interface is deleted, its UAPI
 * socket file is taken away, or a signal comes.
 */
import process from 'node:process';
import type { Clock, RandomBytes } from '../../src/clock.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { Device, type DeviceOptions } from '../../src/device/device.ts';
import { UserError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import type { KeyLog } from '../../src/noise/key-log.ts';
import { ONE_PAIR, type WorkerCounts } from '../../src/plane/plane-memory.ts';
import type { Tun } from '../../src/tunnel/ports.ts';
import type { Scheduler } from '../../src/tunnel/scheduler.ts';
import { createHandshakeLog } from '../../src/tunnel/handshake-log.ts';
import { Tunnel } from '../../src/tunnel/tunnel.ts';
import type { UapiHandler } from '../../src/uapi/conversation.ts';
import { EADDRINUSE, EIO, ENOSPC, OK } from '../../src/uapi/errno.ts';
import { createBootClock } from './boot-clock.ts';
import { type FastTunnel, startFastTunnel } from './fast/start-plane.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc } from './libc.ts';
import { Memory } from './memory.ts';
import type { Poller, Watches } from './poller.ts';
import { adoptTun, createTun } from './tun.ts';
import { createUdp } from './udp.ts';
import { serveUapi } from './uapi-server.ts';
import { socketPath } from './uapi-socket.ts';

/** A tunnel ends in milliseconds. What has not ended by then never will. */
const ENDING_LIMIT_S = 30;

export interface TunnelParts {
  ffi: Ffi;
  startPoller: () => Poller;
  crypto: CryptoProvider;
  log: Log;
  /** For debugging only. */
  keyLog?: KeyLog;
  /** Descriptors that another process opened and handed down. */
  tunFd?: number;
  uapiFd?: number;
  /** The UAPI socket answers. */
  onReady?: () => void;
  /** The module of the data plane's workers; without one, or where they cannot be, one thread does everything. */
  fastWorker?: URL;
  /** How many of them there are, unless one pair. */
  workers?: WorkerCounts;
  /** How long the tunnel may take to end, and the process after it. Default: 30. */
  endingLimitS?: number;
}

const scheduler: Scheduler = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  soon: (callback) => void setImmediate(callback),
};

const random: RandomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length));

/**
 * Resolves when the tunnel has ended and left nothing behind. Throws UserError when it cannot be set up. A process that then
 * lives on, or that hangs on its way there, is ended by SIGALRM.
 */
export async function runTunnel(name: string, parts: TunnelParts): Promise<void> {
  socketPath(name); // refuses names that cannot be
  const fast = await startFast(name, parts);
  const poller = fast === undefined ? parts.startPoller() : undefined;
  try {
    const tunnel = poller === undefined ? openFastTunnel(fast!, parts) : openTunnel(name, poller, parts);
    try {
      await serve(name, tunnel, poller ?? fast!.watches, parts);
    } finally {
      await tunnel.close();
    }
  } finally {
    limitEnding(parts);
    // The workers end before the process does: an exit while a thread sits in a foreign call aborts the runtime.
    await (fast?.stop() ?? poller?.close());
  }
}

async function serve(name: string, tunnel: Tunnel, poller: Watches, parts: TunnelParts): Promise<void> {
  const { ffi, log, uapiFd, onReady } = parts;
  const end = (why: string) => {
    log.info({ why }, 'ending');
    limitEnding(parts);
    void tunnel.close();
  };
  const onSignal = (signal: string) => end(signal);
  // Before there is a socket: whoever sees one may send a signal, which would leave it behind.
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  try {
    const server = await serveUapi(name, createHandler(tunnel, log), {
      ffi,
      poller,
      log,
      ...(uapiFd === undefined ? {} : { fd: uapiFd }),
      interfaceIndex: createInterfaceIndex(ffi),
      onRemoved: () => end('the UAPI socket was removed'),
    });
    try {
      onReady?.();
      log.info({ socket: socketPath(name) }, 'ready');
      await tunnel.closed;
    } finally {
      await server.close();
    }
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

/**
 * By the kernel: it needs neither an event loop that still turns nor threads that can be stopped, and with the process go its
 * descriptors, hence the interface. A later call begins anew.
 */
function limitEnding({ ffi, endingLimitS = ENDING_LIMIT_S }: TunnelParts): void {
  loadLibc(ffi).alarm(endingLimitS);
}

function openTunnel(name: string, poller: Poller, { ffi, crypto, log, keyLog, tunFd }: TunnelParts): Tunnel {
  const tun: Tun = tunFd === undefined ? createTun(ffi, poller, name, log) : adoptTun(ffi, poller, tunFd, log);
  const clock = createBootClock(ffi);
  const device = new Device({ crypto, ...deviceOptions(clock, log, keyLog) });
  return new Tunnel({ tun, udp: createUdp(ffi, poller), device, clock, scheduler, log });
}

/** Not for an interface that was handed down: its packets have no virtio headers. */
async function startFast(name: string, parts: TunnelParts): Promise<FastTunnel | undefined> {
  const { ffi, crypto, log, tunFd, fastWorker, workers = ONE_PAIR } = parts;
  if (fastWorker === undefined || tunFd !== undefined) return undefined;
  return startFastTunnel(name, { ffi, crypto, clock: createBootClock(ffi), random, log, worker: fastWorker, workers });
}

function openFastTunnel(fast: FastTunnel, { ffi, log, keyLog }: TunnelParts): Tunnel {
  const clock = createBootClock(ffi);
  const { tun, udp, crypto, plane } = fast;
  const device = new Device({ crypto, plane, ...deviceOptions(clock, log, keyLog) });
  fast.attach(device);
  const tunnel = new Tunnel({ tun, udp, device, plane, clock, scheduler, log });
  void fast.failed.then((error) => {
    log.error({ error: String(error) }, 'a worker failed');
    process.exitCode = 1;
    return tunnel.close();
  });
  return tunnel;
}

function deviceOptions(clock: Clock, log: Log, keyLog: KeyLog | undefined): Omit<DeviceOptions, 'crypto'> {
  return {
    random,
    wall: () => clock.wall(),
    observe: createHandshakeLog(log, () => clock.monotonic()),
    ...(keyLog === undefined ? {} : { keyLog }),
  };
}

function createHandler(tunnel: Tunnel, log: Log): UapiHandler {
  return {
    get: () => tunnel.describe(),
    set(change) {
      try {
        tunnel.configure(change);
        return OK;
      } catch (error) {
        log.error({ error: String(error) }, 'a set failed');
        if (!(error instanceof UserError)) return EIO;
        // Otherwise the socket refuses, its port or its mark; wireguard-go answers both with this.
        return error.errno === ENOSPC ? ENOSPC : EADDRINUSE;
      }
    },
    refused: (reason) => log.warn({ reason }, 'a UAPI request was refused'),
  };
}

function createInterfaceIndex(ffi: Ffi): (name: string) => number | undefined {
  const libc = loadLibc(ffi);
  const text = new Memory(ffi, 64);
  return (name) => {
    if (name.length > 15) return undefined;
    text.setText(0, name);
    const index = libc.if_nametoindex(text.at(0));
    return index === 0 ? undefined : index;
  };
}
