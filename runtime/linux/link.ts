/**
 * The network interface behind a TUN descriptor: its flags and MTU, and word of every change.
 *
 * A netlink socket only says that something changed; what is so now is then asked with ioctls, so that no message has to
 * be understood and a lost one does no harm. An interface may be moved to another network namespace while the tunnel
 * runs: it is then gone from here, and the watch follows it there. UDP stays where it was born.
 */
import type { Ffi, Handle } from './ffi.ts';
import { loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import type { Poller, Watch } from './poller.ts';

const TUNGETIFF = 0x800454d2;
/** _IO('T', 227): a descriptor of the network namespace that the interface is in. */
const TUNGETDEVNETNS = 0x54e3;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;

export const IFNAME_BYTES = 16;
export const IFREQ_BYTES = 40;
const IFF_UP = 1;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const SOCKADDR_NL_BYTES = 12;
const CLONE_NEWNET = 0x4000_0000;
const O_RDONLY_CLOEXEC = 0x80000;

export interface LinkState {
  /** As it is now: interfaces can be renamed. */
  name: string;
  up: boolean;
  mtu: number;
}

export class Link {
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #poller: Poller;
  readonly #tunFd: number;
  readonly #onChange: () => void;
  readonly #request: Memory;
  readonly #messages: Memory;
  readonly #size: Handle;
  #socket: number;
  #watch: Watch;

  constructor(ffi: Ffi, poller: Poller, tunFd: number, onChange: () => void) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#poller = poller;
    this.#tunFd = tunFd;
    this.#onChange = onChange;
    this.#request = new Memory(ffi, 64);
    this.#messages = new Memory(ffi, 8192);
    this.#size = ffi.size(8192);
    this.#socket = this.#open();
    if (this.#socket < 0) throw new LibcError('cannot open a netlink socket', ffi.errno());
    this.#watch = this.#listen();
  }

  /** Undefined when the interface was deleted, or cannot be reached where it is now. */
  state(): LinkState | undefined {
    return this.#ask() ?? (this.#follow() ? this.#ask() : undefined);
  }

  setMtu(mtu: number): void {
    if (!this.#nameInRequest()) return;
    this.#request.view.setInt32(IFNAME_BYTES, mtu, true);
    if (this.#ioctl(this.#socket, SIOCSIFMTU) < 0)
      throw new LibcError(`cannot set the MTU to ${mtu}`, this.#ffi.errno());
  }

  close(): void {
    this.#watch.release();
    this.#libc.close(this.#socket);
  }

  #ask(): LinkState | undefined {
    if (!this.#nameInRequest()) return undefined;
    const name = this.#request.text(0, IFNAME_BYTES);
    // Both ioctls leave the name as it is. They work on a socket of any family.
    if (this.#ioctl(this.#socket, SIOCGIFFLAGS) < 0) return undefined;
    const up = (this.#request.view.getUint16(IFNAME_BYTES, true) & IFF_UP) !== 0;
    if (this.#ioctl(this.#socket, SIOCGIFMTU) < 0) return undefined;
    return { name, up, mtu: this.#request.view.getInt32(IFNAME_BYTES, true) };
  }

  #nameInRequest(): boolean {
    this.#request.bytes.fill(0);
    return this.#ioctl(this.#tunFd, TUNGETIFF) === 0;
  }

  #ioctl(fd: number, request: number): number {
    return this.#libc.ioctl(fd, this.#ffi.size(request), this.#request.at(0));
  }

  /** Watches from the namespace where the interface is now. */
  #follow(): boolean {
    const there = this.#libc.ioctl(this.#tunFd, this.#ffi.size(TUNGETDEVNETNS), this.#ffi.handle(0));
    if (there < 0) return false;
    this.#request.setText(0, '/proc/thread-self/ns/net');
    const here = this.#libc.open(this.#request.at(0), O_RDONLY_CLOEXEC);
    let socket = -1;
    if (here >= 0 && this.#libc.setns(there, CLONE_NEWNET) === 0) {
      // No await and no callback until this thread is back: all else that it opens belongs to the old namespace.
      socket = this.#open();
      if (this.#libc.setns(here, CLONE_NEWNET) < 0)
        throw new LibcError('cannot return to the network namespace of birth', this.#ffi.errno());
    }
    this.#libc.close(there);
    if (here >= 0) this.#libc.close(here);
    if (socket < 0) return false;
    this.close();
    this.#socket = socket;
    this.#watch = this.#listen();
    return true;
  }

  /** A socket in the present namespace, or -1. */
  #open(): number {
    const socket = this.#libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE);
    if (socket < 0) return -1;
    this.#request.bytes.fill(0);
    this.#request.view.setUint16(0, AF_NETLINK, true);
    this.#request.view.setUint32(8, RTMGRP_LINK, true);
    if (this.#libc.bind(socket, this.#request.at(0), SOCKADDR_NL_BYTES) === 0) return socket;
    this.#libc.close(socket);
    return -1;
  }

  #listen(): Watch {
    const watch = this.#poller.watch(this.#socket, () => {
      const socket = this.#socket;
      // What the messages say does not matter; one that was too long or lost (ENOBUFS) is a change like any other.
      while (this.#libc.recv(socket, this.#messages.at(0), this.#size, 0) > 0);
      this.#onChange();
      this.#watch.arm();
    });
    watch.arm();
    return watch;
  }
}
