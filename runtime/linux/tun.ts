/** The TUN port on Linux: /dev/net/tun, one IP packet per read and write, without a header before it. */
import { UserError } from '../../src/errors.ts';
import { silentLog, type Log } from '../../src/log.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../src/offload/virtio-net-header.ts';
import type { Tun, TunEvent } from '../../src/tunnel/ports.ts';
import type { Ffi } from './ffi.ts';
import { EBADFD, EBUSY, EINTR, EINVAL, EIO, EPERM, loadLibc, LibcError, type Libc } from './libc.ts';
import { IFREQ_BYTES, IFNAME_BYTES, Link } from './link.ts';
import { AddressCache, Memory } from './memory.ts';
import type { Watch, Watches } from './poller.ts';

const TUNSETIFF = 0x400454ca;
const TUNGETIFF = 0x800454d2;
const TUNSETOFFLOAD = 0x400454d0;
const TUNSETQUEUE = 0x400454d9;
const IFF_DETACH_QUEUE = 0x400;
const TUNSETVNETHDRSZ = 0x400454d8;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const IFF_MULTI_QUEUE = 0x100;
const IFF_VNET_HDR = 0x4000;
/** Asks for an interface that was not there before. */
const IFF_TUN_EXCL = 0x8000;
/** Only told, by TUNGETIFF. */
const IFF_PERSIST = 0x800;
const VIRTIO_FLAGS = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
const O_RDWR_NONBLOCK_CLOEXEC = 0x80802;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;

/** What wg-quick and the kernel module choose: 1500 less the 80 bytes that IPv6, UDP and WireGuard put around. */
const DEFAULT_MTU = 1420;

/** Creates the interface, or takes over a persistent one of this name. It goes away with the descriptor. */
export function createTun(ffi: Ffi, poller: Watches, name: string, log: Log = silentLog): Tun {
  return openTun(ffi, poller, name, log, IFF_TUN | IFF_NO_PI).tun;
}

/** One whose packets have virtio headers, for others to read and write: what this port reads and writes is of no use. */
export function createVirtioTun(ffi: Ffi, poller: Watches, name: string, log: Log): { tun: Tun; fd: number } {
  return openTun(ffi, poller, name, log, VIRTIO_FLAGS);
}

/** The same with a queue that others may be added to. Throws where an interface of this name has one queue for good (EINVAL). */
export function createMultiQueueTun(ffi: Ffi, poller: Watches, name: string, log: Log): { tun: Tun; fd: number } {
  return openTun(ffi, poller, name, log, VIRTIO_FLAGS | IFF_MULTI_QUEUE);
}

/** Another queue of such an interface. Its descriptor is the caller's to close. */
export function openQueue(ffi: Ffi, name: string): number {
  return openDescriptor(ffi, name, (ask) => ask(VIRTIO_FLAGS | IFF_MULTI_QUEUE));
}

/** The kernel gives the queue nothing to read any more; what is written to it is a packet as any other. */
export function detachQueue(ffi: Ffi, fd: number): void {
  const request = new Memory(ffi, IFREQ_BYTES);
  request.view.setUint16(IFNAME_BYTES, IFF_DETACH_QUEUE, true);
  if (loadLibc(ffi).ioctl(fd, ffi.size(TUNSETQUEUE), request.at(0)) < 0)
    throw new LibcError('cannot detach a queue', ffi.errno());
}

function openTun(ffi: Ffi, poller: Watches, name: string, log: Log, flags: number): { tun: Tun; fd: number } {
  const fd = openDescriptor(ffi, name, (ask, fd) => askForFirst(ffi, fd, ask, flags));
  try {
    resetTun(ffi, fd);
    return { tun: withMtu(new LinuxTun(ffi, poller, fd, log)), fd };
  } catch (error) {
    loadLibc(ffi).close(fd);
    throw error;
  }
}

/** Asks for the interface with these flags. 0, or an errno. */
type Ask = (flags: number) => number;

/**
 * A new interface, or a persistent one. One with several queues would take another from anybody: what is not persistent is there only
 * because somebody has it, and gets EBUSY as one with a single queue does.
 */
function askForFirst(ffi: Ffi, fd: number, ask: Ask, flags: number): number {
  if (ask(flags | IFF_TUN_EXCL) === 0) return 0;
  const errno = ask(flags);
  // A persistent one that was made with multi_queue has to be asked for as such.
  if (errno !== 0 && (errno !== EINVAL || ask(flags | IFF_MULTI_QUEUE) !== 0)) return errno;
  const request = new Memory(ffi, IFREQ_BYTES);
  const isTold = loadLibc(ffi).ioctl(fd, ffi.size(TUNGETIFF), request.at(0)) === 0;
  return isTold && (request.view.getUint16(IFNAME_BYTES, true) & IFF_PERSIST) === 0 ? EBUSY : 0;
}

/** `take` gives the descriptor an interface. */
function openDescriptor(ffi: Ffi, name: string, take: (ask: Ask, fd: number) => number): number {
  const libc = loadLibc(ffi);
  const request = new Memory(ffi, IFREQ_BYTES);
  request.setText(0, '/dev/net/tun');
  const fd = libc.open(request.at(0), O_RDWR_NONBLOCK_CLOEXEC);
  if (fd < 0)
    throw new LibcError(
      'cannot open /dev/net/tun',
      ffi.errno(),
      'Load the module with: modprobe tun; and run as root.',
    );
  try {
    const ask: Ask = (flags) => {
      request.bytes.fill(0);
      request.setText(0, name);
      request.view.setUint16(IFNAME_BYTES, flags, true);
      return libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)) === 0 ? 0 : ffi.errno();
    };
    const errno = take(ask, fd);
    if (errno !== 0) throw new LibcError(`cannot create the interface ${name}`, errno, REMEDIES[errno]);
    return fd;
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

/** Lets the kernel hand out what is asked for with `flags`, TUN_F_ of linux/if_tun.h. False when it does not know them. */
export function setOffload(ffi: Ffi, fd: number, flags: number): boolean {
  return loadLibc(ffi).ioctl(fd, ffi.size(TUNSETOFFLOAD), ffi.handle(flags)) === 0;
}

/**
 * A persistent interface keeps both from whoever had it before: offloads would leave us packets with half a checksum, and another
 * length of the virtio header is none that we read. Where an ioctl is unknown there is nothing to reset.
 */
function resetTun(ffi: Ffi, fd: number): void {
  setOffload(ffi, fd, 0);
  const size = new Memory(ffi, 4);
  size.view.setInt32(0, VIRTIO_NET_HEADER_BYTES, true);
  loadLibc(ffi).ioctl(fd, ffi.size(TUNSETVNETHDRSZ), size.at(0));
}

function withMtu(tun: LinuxTun): Tun {
  try {
    // Whoever prepared a persistent one for a process without CAP_NET_ADMIN has set it.
    if (tun.mtu !== DEFAULT_MTU) tun.setMtu(DEFAULT_MTU);
    return tun;
  } catch (error) {
    tun.release();
    throw error;
  }
}

/** Uses a TUN descriptor that another process opened and handed down. Throws UserError when packets would be misread. */
export function adoptTun(ffi: Ffi, poller: Watches, fd: number, log: Log = silentLog): Tun {
  const libc = loadLibc(ffi);
  const request = new Memory(ffi, IFREQ_BYTES);
  if (libc.ioctl(fd, ffi.size(TUNGETIFF), request.at(0)) < 0)
    throw new LibcError(`descriptor ${fd} is not a TUN with an interface`, ffi.errno());
  checkMode(libc, ffi, fd, request.view.getUint16(IFNAME_BYTES, true));
  const flags = libc.fcntl(fd, F_GETFL, 0);
  if (flags < 0 || libc.fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    throw new LibcError(`cannot use descriptor ${fd} as a TUN`, ffi.errno());
  setOffload(ffi, fd, 0); // as resetTun; the header is refused above
  return new LinuxTun(ffi, poller, fd, log);
}

/** A queue of several (IFF_MULTI_QUEUE) is like any other. */
function checkMode(libc: Libc, ffi: Ffi, fd: number, flags: number): void {
  const wrong =
    (flags & IFF_TUN) === 0
      ? 'a TAP, which carries Ethernet frames'
      : (flags & IFF_VNET_HDR) !== 0
        ? 'a TUN with IFF_VNET_HDR, which has a header before each packet'
        : hasPacketInformation(libc, ffi, fd)
          ? 'a TUN without IFF_NO_PI, which has 4 bytes before each packet'
          : undefined;
  if (wrong !== undefined)
    throw new UserError(`descriptor ${fd} is ${wrong}`, {
      remedy: 'Open it with IFF_TUN | IFF_NO_PI and no other flag.',
    });
}

/**
 * TUNGETIFF does not tell: it says IFF_NOFILTER with the same bit. But four zeros are a header without a packet if a header is
 * expected, and otherwise a packet of no version of IP, EINVAL. While the interface is down the former is EIO, as both are
 * in old kernels; then three bytes, which nothing receives, are EINVAL where they are less than a header.
 */
function hasPacketInformation(libc: Libc, ffi: Ffi, fd: number): boolean {
  const probe = new Memory(ffi, 4);
  if (libc.write(fd, probe.at(0), ffi.size(4)) >= 0) return true;
  if (ffi.errno() !== EIO) return false;
  probe.bytes.fill(0x45);
  return libc.write(fd, probe.at(0), ffi.size(3)) < 0 && ffi.errno() === EINVAL;
}

const REMEDIES: Readonly<Record<number, string>> = {
  [EPERM]: 'Run as root, or with CAP_NET_ADMIN.',
  [EBUSY]: 'See what uses it with: ip -details link show; then choose another name.',
};

class LinuxTun implements Tun {
  readonly name: string;
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #link: Link;
  readonly #watch: Watch;
  readonly #addresses: AddressCache;
  #mtu: number;
  #up = false;
  #isRefreshing = false;
  #gone = false;
  #onReadable: () => void = () => {};
  #onEvent: (event: TunEvent) => void = () => {};

  constructor(ffi: Ffi, poller: Watches, fd: number, log: Log) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#fd = fd;
    this.#addresses = new AddressCache(ffi);
    this.#link = new Link(ffi, poller, fd, { log, onChange: () => this.refresh() });
    const state = this.#link.state();
    if (state === undefined) {
      this.#link.close();
      throw new LibcError(`descriptor ${fd} is not a TUN with an interface`, EBADFD);
    }
    this.name = state.name;
    this.#mtu = state.mtu ?? DEFAULT_MTU;
    try {
      this.#watch = poller.watch(fd, () => this.#onReadable());
    } catch (error) {
      this.#link.close();
      throw error;
    }
  }

  get mtu(): number {
    return this.#mtu;
  }

  setMtu(mtu: number): void {
    this.#link.setMtu(mtu);
    this.#mtu = mtu;
  }

  read(buffer: Uint8Array, offset: number): number {
    const ffi = this.#ffi;
    for (;;) {
      const address = ffi.handle(this.#addresses.of(buffer) + offset);
      const length = this.#libc.read(this.#fd, address, ffi.size(buffer.length - offset));
      if (length >= 0) {
        if (!this.#up) this.#refreshSoon();
        return length;
      }
      const errno = ffi.errno();
      if (errno === EINTR) continue;
      if (errno === EBADFD) this.#leave();
      return -1;
    }
  }

  write(buffer: Uint8Array, offset: number, length: number): boolean {
    const address = this.#ffi.handle(this.#addresses.of(buffer) + offset);
    if (this.#libc.write(this.#fd, address, this.#ffi.size(length)) === length) return true;
    if (this.#up && this.#ffi.errno() === EIO) this.#refreshSoon();
    return false;
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  onEvent(listener: (event: TunEvent) => void): void {
    this.#onEvent = listener;
    // An interface that was handed down may be up already.
    queueMicrotask(() => this.refresh());
  }

  refresh(): void {
    if (this.#gone) return;
    const state = this.#link.state();
    if (state === undefined) return; // deleted: the next read says so
    if (state.mtu !== undefined && state.mtu !== this.#mtu) {
      this.#mtu = state.mtu;
      this.#onEvent({ type: 'mtu' });
    }
    if (state.up !== this.#up) {
      this.#up = state.up;
      this.#onEvent({ type: state.up ? 'up' : 'down' });
    }
  }

  rearm(): void {
    if (!this.#gone) this.#watch.arm();
  }

  close(): Promise<void> {
    this.release();
    setOffload(this.#ffi, this.#fd, 0); // for whoever opens a persistent one next
    this.#libc.close(this.#fd);
    return Promise.resolve();
  }

  /** Lets go of all but the descriptor, which whoever opened it closes. */
  release(): void {
    this.#gone = true;
    this.#link.close();
    this.#watch.release();
  }

  /** A packet came although the interface is down, or was refused although it is up: it is not as we know it. */
  #refreshSoon(): void {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    queueMicrotask(() => {
      this.#isRefreshing = false;
      this.refresh();
    });
  }

  /** Says once that the interface was deleted, and not from within a read. */
  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    queueMicrotask(() => this.#onEvent({ type: 'gone' }));
  }
}
