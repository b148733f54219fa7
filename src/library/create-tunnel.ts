/** A Device and a Tunnel with everything that most programs would hand in: noble, Web Crypto, the host's clock and timers. */
import type { Clock, RandomBytes } from '../clock.ts';
import { nobleCrypto } from '../crypto/noble.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { Device, type DeviceOptions } from '../device/device.ts';
import { silentLog, type Log } from '../log.ts';
import type { KeyLog } from '../noise/key-log.ts';
import { createHandshakeLog } from '../tunnel/handshake-log.ts';
import type { Tun, Udp } from '../tunnel/ports.ts';
import type { Scheduler } from '../tunnel/scheduler.ts';
import { Tunnel } from '../tunnel/tunnel.ts';
import { randomBytes, systemClock, timerScheduler } from './surroundings.ts';

export interface TunnelParts {
  /** Gives and takes IP packets: a real TUN device, a `MemoryTun`, or an implementation of the program's own. */
  tun: Tun;
  /** Carries datagrams. The tunnel binds it whenever the interface is up. */
  udp: Udp;
  /** `nobleCrypto` unless said: pure TypeScript, the slowest. */
  crypto?: CryptoProvider;
  random?: RandomBytes;
  clock?: Clock;
  scheduler?: Scheduler;
  /** Handshakes at `debug`, what goes wrong above it; never a secret. */
  log?: Log;
  /** For debugging only: is told the secrets of every handshake. */
  keyLog?: KeyLog;
}

/**
 * A WireGuard device without IO: bytes and time in, bytes and deadlines out (see `Device`). Starts without keys and peers, and
 * with its link down. For programs that bring their own loop; the others want `createTunnel`.
 */
export function createDevice(options: Partial<DeviceOptions> = {}): Device {
  return new Device({ crypto: nobleCrypto, random: randomBytes, wall: () => systemClock.wall(), ...options });
}

/**
 * A running tunnel between a TUN and a UDP port, which it owns from here on. It has no keys and peers until
 * `tunnel.configure()`, and ends with `tunnel.close()` or when the TUN says that its interface is gone.
 */
export function createTunnel(parts: TunnelParts): Tunnel {
  const { tun, udp, crypto, random, keyLog } = parts;
  const { clock = systemClock, scheduler = timerScheduler, log = silentLog } = parts;
  const device = createDevice({
    wall: () => clock.wall(),
    observe: createHandshakeLog(log, () => clock.monotonic()),
    ...(crypto && { crypto }),
    ...(random && { random }),
    ...(keyLog && { keyLog }),
  });
  return new Tunnel({ tun, udp, device, clock, scheduler, log });
}
