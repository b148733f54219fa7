/** What a tunnel in a program of one's own needs of Linux: real TUN devices and UDP sockets, a clock and fast crypto. */
import type { Clock } from '../../src/clock.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import { silentLog, type Log } from '../../src/log.ts';
import type { Tun, Udp } from '../../src/tunnel/ports.ts';
import type { Scheduler } from '../../src/tunnel/scheduler.ts';
import { createBootClock } from './boot-clock.ts';
import { chooseCrypto } from './choose-crypto.ts';
import type { Runtime } from './runtime.ts';
import { scheduler } from './scheduler.ts';
import { startPoller } from './start-poller.ts';
import { createTun } from './tun.ts';
import { createUdp } from './udp.ts';

export interface OpenPortsOptions {
  /** `libcrypto`, `wasm`, `node` or `noble`; the fastest that works unless said. Rejects with UserError for one that does not. */
  crypto?: string;
  log?: Log;
}

export interface LinuxPorts {
  /** To be spread into the argument of `createTunnel`. */
  readonly parts: { crypto: CryptoProvider; clock: Clock; scheduler: Scheduler; log: Log };
  /**
   * A new TUN interface, or a persistent one that is there: 1 to 15 characters, a `%d` in it is numbered. It is down and has no
   * addresses: that is up to `ip`. Needs CAP_NET_ADMIN; throws UserError without.
   */
  createTun(name: string): Tun;
  /** Sockets for both families, unbound. Needs no privilege. */
  createUdp(): Udp;
  /** Ends the thread that waits for all of them. Every tunnel has to be closed before. */
  close(): Promise<void>;
}

/** Starts one thread, which waits in poll(2). Rejects where the machine has no FFI. */
export async function openPorts(
  runtime: Runtime,
  { crypto, log = silentLog }: OpenPortsOptions = {},
): Promise<LinuxPorts> {
  const parts = { crypto: await chooseCrypto(runtime, crypto), log, scheduler };
  const ffi = await runtime.loadFfi();
  const clock = createBootClock(ffi);
  const poller = startPoller(runtime, ffi);
  return {
    parts: { ...parts, clock },
    createTun: (name) => createTun(ffi, poller, name),
    createUdp: () => createUdp(ffi, poller),
    close: () => poller.close(),
  };
}
