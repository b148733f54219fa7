/** The TUN port on Linux: /dev/net/tun, one IP packet per read and write, without a header before it. */
import type { Tun, TunEvent } from '../../src/tunnel/ports.ts';
import type { Ffi } from './ffi.ts';
import { EBADFD, EBUSY, EINTR, EPERM, loadLibc, LibcError, type Libc } from './libc.ts';
import { IFREQ_BYTES, IFNAME_BYTES, Link } from './link.ts';
import { AddressCache, Memory } from './memory.ts';
import type { Poller, Watch } from './poller.ts';

const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const O_RDWR_NONBLOCK_CLOEXEC = 0x80802;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0x800;

/** What wg-quick and the kernel module choose: 1500 less the 80 bytes that IPv6, UDP and WireGuard put around. */
const DEFAULT_MTU = 1420;

/** Creates the interface, or takes over a persistent one of this name. It goes away with the descriptor. */
export function createTun(ffi: Ffi, poller: Poller, name: string): Tun {
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
    request.bytes.fill(0);
    request.setText(0, name);
    request.view.setUint16(IFNAME_BYTES, IFF_TUN_NO_PI, true);
    if (libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)) < 0) {
      const errno = ffi.errno();
      throw new LibcError(`cannot create the interface ${name}`, errno, REMEDIES[errno]);
    }
    return withMtu(new LinuxTun(ffi, poller, fd));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

function withMtu(tun: LinuxTun): Tun {
  try {
    tun.setMtu(DEFAULT_MTU);
    return tun;
  } catch (error) {
    tun.release();
    throw error;
  }
}

/** Uses a TUN descriptor that another process opened and handed down. */
export function adoptTun(ffi: Ffi, poller: Poller, fd: number): Tun {
  const libc = loadLibc(ffi);
  const flags = libc.fcntl(fd, F_GETFL, 0);
  if (flags < 0 || libc.fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    throw new LibcError(`cannot use descriptor ${fd} as a TUN`, ffi.errno());
  return new LinuxTun(ffi, poller, fd);
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
  #gone = false;
  #onReadable: () => void = () => {};
  #onEvent: (event: TunEvent) => void = () => {};

  constructor(ffi: Ffi, poller: Poller, fd: number) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#fd = fd;
    this.#addresses = new AddressCache(ffi);
    this.#link = new Link(ffi, poller, fd, () => this.refresh());
    const state = this.#link.state();
    if (state === undefined) {
      this.#link.close();
      throw new LibcError(`descriptor ${fd} is not a TUN with an interface`, EBADFD);
    }
    this.name = state.name;
    this.#mtu = state.mtu;
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
      if (length >= 0) return length;
      const errno = ffi.errno();
      if (errno === EINTR) continue;
      if (errno === EBADFD) this.#leave();
      return -1;
    }
  }

  write(buffer: Uint8Array, offset: number, length: number): boolean {
    const address = this.#ffi.handle(this.#addresses.of(buffer) + offset);
    return this.#libc.write(this.#fd, address, this.#ffi.size(length)) === length;
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
    if (state.mtu !== this.#mtu) {
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
    this.#libc.close(this.#fd);
    return Promise.resolve();
  }

  /** Lets go of all but the descriptor, which whoever opened it closes. */
  release(): void {
    this.#gone = true;
    this.#link.close();
    this.#watch.release();
  }

  /** Says once that the interface was deleted, and not from within a read. */
  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    queueMicrotask(() => this.#onEvent({ type: 'gone' }));
  }
}
