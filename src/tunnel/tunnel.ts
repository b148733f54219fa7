/**
 * The loop that joins a TUN and a UDP socket to a Device: packets out, datagrams in, timers, and the interface going up,
 * down and away.
 *
 *   1. A port says that it is readable, or a timer is due: `#run`.
 *   2. Both directions are drained in turn, a batch of each, so that neither starves the other.
 *   3. A port that has no more is armed again; it will call back.
 *   4. After some rounds the rest of the process has its turn, and the loop goes on from 2 without arming anything.
 *
 * Every packet is read into one arena, sealed or opened in place, and sent on before the next one is read.
 */
import type { Clock, MonotonicMs } from '../clock.ts';
import type { Log } from '../log.ts';
import { HEADROOM, TAILROOM, type DropReason } from '../device/contract.ts';
import type { Device } from '../device/device.ts';
import { Endpoint } from '../peer/endpoint.ts';
import type { TunnelPlane } from './plane.ts';
import type { DatagramSource, Tun, TunEvent, Udp } from './ports.ts';
import type { Scheduler } from './scheduler.ts';
import type { TunnelChange, TunnelState } from './state.ts';

/** The length fields of IPv4 and UDP hold no more. */
const LARGEST_PACKET = 65_535;
/** Packets of one direction before the other has its turn. */
const BATCH = 64;
/** Batches of each direction before the rest of the process has its turn: about 10 ms of work. */
const ROUNDS = 8;
/** The longest delay that timers of the runtimes take. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export interface TunnelOptions {
  tun: Tun;
  /** Without a port: the tunnel binds it whenever the interface is up. */
  udp: Udp;
  /** Fresh, with its link down. The tunnel owns it from here on. */
  device: Device;
  /** The Device's own. The ports then bring what it could not carry. */
  plane?: TunnelPlane;
  clock: Clock;
  scheduler: Scheduler;
  log: Log;
}

export class Tunnel {
  /** Resolves when the tunnel was closed, by `close()` or because its interface was deleted. */
  readonly closed: Promise<void>;
  readonly #tun: Tun;
  readonly #udp: Udp;
  readonly #device: Device;
  readonly #plane: TunnelPlane | undefined;
  readonly #clock: Clock;
  readonly #scheduler: Scheduler;
  readonly #log: Log;
  readonly #arena = new Uint8Array(HEADROOM + LARGEST_PACKET + TAILROOM);
  readonly #source: DatagramSource = { from: new Endpoint(), ecn: 0, truncated: false };
  readonly #resolveClosed: () => void;
  readonly #dropsNoted = new Set<DropReason>();
  #isUp = false;
  #isClosing = false;
  #listenPort = 0;
  #fwmark = 0;
  #tunHasMore = true;
  #udpHasMore = false;
  /** A call of `#run` is on its way already. */
  #isScheduled = false;
  #timer: { at: MonotonicMs; cancel: () => void } | undefined;

  constructor({ tun, udp, device, plane, clock, scheduler, log }: TunnelOptions) {
    this.#tun = tun;
    this.#udp = udp;
    this.#device = device;
    this.#plane = plane;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#setMtu();
    tun.onReadable(() => {
      this.#tunHasMore = true;
      this.#handleReadable();
    });
    udp.onReadable(() => {
      this.#udpHasMore = true;
      this.#handleReadable();
    });
    tun.onEvent((event) => this.#handleEvent(event));
    this.#schedule();
  }

  /** Applies the port and the mark first, and throws without having changed anything else when the socket refuses them. */
  configure({ listenPort, fwmark, ...change }: TunnelChange): void {
    if (this.#isClosing) return;
    this.#tun.refresh();
    if (listenPort !== undefined) this.#setListenPort(listenPort);
    if (fwmark !== undefined) {
      this.#udp.setFwmark(fwmark);
      this.#fwmark = fwmark;
    }
    // As the kernel module does: another mark may mean other routes.
    if (listenPort !== undefined || fwmark !== undefined) this.#device.clearSources();
    this.#device.configure(change, this.#clock.monotonic());
    this.#settle();
  }

  /** A snapshot. It holds keys. */
  describe(): TunnelState {
    if (!this.#isClosing) {
      this.#tun.refresh();
      this.#collect();
    }
    const listenPort = this.#isUp ? this.#udp.port : this.#listenPort;
    return { ...this.#device.describe(), listenPort, fwmark: this.#fwmark };
  }

  /** Erases all keys, and closes both ports; with the TUN, the interface goes away. */
  async close(): Promise<void> {
    if (this.#isClosing) return this.closed;
    this.#isClosing = true;
    this.#timer?.cancel();
    this.#plane?.collect(this.#device, this.#clock.monotonic()); // for the drops
    this.#log.info({ interface: this.#tun.name, drops: this.#device.drops }, 'closing');
    this.#device.close();
    this.#plane?.publishSending(); // the workers let go of the keys
    this.#arena.fill(0);
    await Promise.all([this.#tun.close(), this.#udp.close()]);
    this.#resolveClosed();
  }

  /** A port says so. One call of `#run` in a turn of the process is enough, however often they say it. */
  #handleReadable(): void {
    if (!this.#isScheduled) this.#run();
  }

  #run(): void {
    if (this.#isClosing) return;
    for (let round = 0; round < ROUNDS && (this.#tunHasMore || this.#udpHasMore); round++) {
      const now = this.#clock.monotonic();
      if (this.#udpHasMore) this.#drainUdp(now);
      if (this.#tunHasMore) this.#drainTun(now);
    }
    const now = this.#clock.monotonic();
    // What was carried puts timers off.
    if (this.#nextTimeout() <= now) this.#plane?.collect(this.#device, now);
    if (this.#device.nextTimeout() <= now) this.#device.handleTimeout(now);
    this.#settle();
    if (this.#tunHasMore || this.#udpHasMore) this.#schedule();
  }

  #drainTun(now: MonotonicMs): void {
    for (let i = 0; i < BATCH; i++) {
      const length = this.#tun.read(this.#arena, HEADROOM);
      if (length < 0) {
        this.#tunHasMore = false;
        this.#tun.rearm();
        return;
      }
      this.#device.handlePacket(this.#arena, HEADROOM, length, now);
      this.#flush();
    }
  }

  #drainUdp(now: MonotonicMs): void {
    const source = this.#source;
    for (let i = 0; i < BATCH; i++) {
      const length = this.#udp.receive(this.#arena, 0, source);
      if (length < 0) {
        this.#udpHasMore = false;
        this.#udp.rearm();
        return;
      }
      if (source.truncated) this.#device.countDrop('truncated');
      else this.#device.handleDatagram(this.#arena, 0, length, source.from, source.ecn, now);
      this.#flush();
    }
  }

  /** Carries out what the Device wants, before anything else is done to it. */
  #flush(): void {
    this.#plane?.publishReceiving();
    for (let output = this.#device.poll(); output !== undefined; output = this.#device.poll()) {
      switch (output.type) {
        case 'datagram':
          if (!this.#udp.send(output.buffer, output.offset, output.length, output.to, output.ecn))
            this.#device.handleUnsent(output);
          if (output.peer !== undefined) this.#plane?.sentTo(output.peer);
          break;
        case 'packet':
          if (!this.#tun.write(output.buffer, output.offset, output.length)) this.#device.countDrop('not-delivered');
          break;
        case 'drop':
          this.#noteDrop(output.reason);
          break;
      }
    }
    this.#plane?.publishSending();
  }

  /** The first of its kind. The Device counts them; how many there were is told at the end. */
  #noteDrop(reason: DropReason): void {
    if (this.#dropsNoted.has(reason)) return;
    this.#dropsNoted.add(reason);
    this.#log.debug({ reason }, 'dropped for the first time');
  }

  #settle(): void {
    this.#flush();
    const next = this.#nextTimeout();
    // Deadlines mostly move away while traffic flows. A timer that comes too early costs less than moving it each time.
    if (next === Infinity || (this.#timer !== undefined && this.#timer.at <= next)) return;
    this.#timer?.cancel();
    const delay = Math.ceil(next - this.#clock.monotonic());
    const cancel = this.#scheduler.after(Math.min(Math.max(delay, 0), LONGEST_DELAY_MS), () => {
      this.#timer = undefined;
      this.#run();
    });
    this.#timer = { at: next, cancel };
  }

  #collect(): void {
    if (this.#plane === undefined) return;
    this.#plane.collect(this.#device, this.#clock.monotonic());
    this.#settle(); // it may have made a handshake due
  }

  #nextTimeout(): MonotonicMs {
    return Math.min(this.#device.nextTimeout(), this.#plane?.nextTimeout() ?? Infinity);
  }

  #setMtu(): void {
    this.#device.setMtu(this.#tun.mtu);
    this.#plane?.setMtu(this.#tun.mtu);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#scheduler.soon(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #handleEvent({ type }: TunEvent): void {
    if (this.#isClosing) return;
    switch (type) {
      case 'up':
        this.#handleUp();
        break;
      case 'down':
        this.#isUp = false;
        this.#device.handleLinkDown();
        this.#udp.unbind();
        break;
      case 'mtu':
        this.#setMtu();
        break;
      case 'gone':
        this.#log.info({ interface: this.#tun.name }, 'the interface was deleted');
        void this.close();
        return;
    }
    this.#settle();
  }

  #handleUp(): void {
    this.#isUp = true;
    try {
      this.#setListenPort(this.#listenPort);
      this.#log.info({ interface: this.#tun.name, port: this.#listenPort }, 'listening');
    } catch (error) {
      // The interface stays up without a socket, until another port is set or it goes down and up again.
      this.#log.error({ port: this.#listenPort, error: String(error) }, 'cannot listen');
    }
    this.#device.handleLinkUp(this.#clock.monotonic());
  }

  #setListenPort(port: number): void {
    if (!this.#isUp) {
      this.#listenPort = port;
      return;
    }
    this.#udp.bind(port);
    this.#listenPort = this.#udp.port;
    this.#udpHasMore = true;
    this.#schedule();
  }
}
