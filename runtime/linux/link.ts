/**
 * The network interface behind a TUN descriptor: its flags and MTU, and word of every change.
 *
 * A netlink socket only says that something changed; what is so now is then asked with ioctls, so that no message has to
 * be understood and a lost one does no harm. An interface may be moved to another network namespace while the tunnel runs. The
 * socket stays and listens to that one as well: a socket of ours in there would keep the namespace alive for as long as
 * we live, and our interface with it.
 */
import { readlinkSync } from 'node:fs';
import type { Ffi } from './ffi.ts';
import { loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import { openNetlink, RTMGRP_LINK, watchNetlink } from './netlink.ts';
import type { Poller, Watch } from './poller.ts';
import { AF_INET } from './socket-message.ts';

const TUNGETIFF = 0x800454d2;
/** _IO('T', 227): a descriptor of the network namespace that the interface is in. */
const TUNGETDEVNETNS = 0x54e3;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;

export const IFNAME_BYTES = 16;
export const IFREQ_BYTES = 40;
const IFF_UP = 1;

const SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
const RTM_NEWNSID = 88;
const NLM_F_REQUEST = 1;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
const NEWNSID_BYTES = 36;
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
  readonly #tunFd: number;
  readonly #request: Memory;
  readonly #socket: number;
  readonly #watch: Watch;
  /** A descriptor of the namespace that we live in, and the kernel's name for it. */
  readonly #home: number;
  readonly #homeName: string;
  /** Names the namespace that the interface was in last. */
  #place: string;

  constructor(ffi: Ffi, poller: Poller, tunFd: number, onChange: () => void) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#tunFd = tunFd;
    this.#request = new Memory(ffi, 64);
    this.#socket = openNetlink(ffi, { groups: RTMGRP_LINK, namespaces: 'all' });
    this.#request.setText(0, '/proc/thread-self/ns/net');
    this.#home = this.#libc.open(this.#request.at(0), O_RDONLY_CLOEXEC);
    if (this.#home < 0) {
      this.#libc.close(this.#socket);
      throw new LibcError('cannot open the network namespace', ffi.errno(), 'Mount /proc.');
    }
    this.#homeName = nameOf(this.#home);
    this.#place = this.#homeName;
    try {
      this.#watch = watchNetlink(ffi, poller, this.#socket, onChange);
    } catch (error) {
      this.#closeDescriptors();
      throw error;
    }
  }

  /** Undefined when the interface was deleted, or cannot be reached where it is now. */
  state(): LinkState | undefined {
    const there = this.#libc.ioctl(this.#tunFd, this.#ffi.size(TUNGETDEVNETNS), this.#ffi.handle(0));
    if (there < 0) return this.#ask(this.#socket); // old kernels do not tell, and it is mostly here
    try {
      const place = nameOf(there);
      if (place === this.#homeName) return this.#ask(this.#socket);
      if (place !== this.#place) this.#hear(there);
      this.#place = place;
      return this.#askIn(there);
    } finally {
      this.#libc.close(there);
    }
  }

  setMtu(mtu: number): void {
    if (!this.#nameInRequest()) return;
    this.#request.view.setInt32(IFNAME_BYTES, mtu, true);
    if (this.#ioctl(this.#socket, SIOCSIFMTU) < 0)
      throw new LibcError(`cannot set the MTU to ${mtu}`, this.#ffi.errno());
  }

  close(): void {
    this.#watch.release();
    this.#closeDescriptors();
  }

  #closeDescriptors(): void {
    this.#libc.close(this.#socket);
    this.#libc.close(this.#home);
  }

  /** `socket`: any that was born where the interface is. */
  #ask(socket: number): LinkState | undefined {
    if (!this.#nameInRequest()) return undefined;
    const name = this.#request.text(0, IFNAME_BYTES);
    // Both ioctls leave the name as it is. They work on a socket of any family.
    if (this.#ioctl(socket, SIOCGIFFLAGS) < 0) return undefined;
    const up = (this.#request.view.getUint16(IFNAME_BYTES, true) & IFF_UP) !== 0;
    if (this.#ioctl(socket, SIOCGIFMTU) < 0) return undefined;
    return { name, up, mtu: this.#request.view.getInt32(IFNAME_BYTES, true) };
  }

  #nameInRequest(): boolean {
    this.#request.bytes.fill(0);
    return this.#ioctl(this.#tunFd, TUNGETIFF) === 0;
  }

  #ioctl(fd: number, request: number): number {
    return this.#libc.ioctl(fd, this.#ffi.size(request), this.#request.at(0));
  }

  #askIn(namespace: number): LinkState | undefined {
    if (this.#libc.setns(namespace, CLONE_NEWNET) < 0) return undefined;
    // No await and no callback until this thread is back: all else that it opens belongs to the old namespace.
    const socket = this.#libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    if (this.#libc.setns(this.#home, CLONE_NEWNET) < 0)
      throw new LibcError('cannot return to the network namespace of birth', this.#ffi.errno());
    if (socket < 0) return undefined;
    const state = this.#ask(socket);
    this.#libc.close(socket);
    return state;
  }

  /** Gives a namespace a number in ours, unless it has one: only those with a number are listened to. rtnetlink(7). */
  #hear(namespace: number): void {
    const { bytes, view } = this.#request;
    bytes.fill(0);
    view.setUint32(0, NEWNSID_BYTES, true);
    view.setUint16(4, RTM_NEWNSID, true);
    view.setUint16(6, NLM_F_REQUEST, true);
    view.setUint16(20, 8, true);
    view.setUint16(22, NETNSA_NSID, true);
    view.setInt32(24, -1, true); // any number
    view.setUint16(28, 8, true);
    view.setUint16(30, NETNSA_FD, true);
    view.setInt32(32, namespace, true);
    // Where it has a number, the answer is an error that the listener takes for one more change.
    this.#libc.write(this.#socket, this.#request.at(0), this.#ffi.size(NEWNSID_BYTES));
  }
}

/** `net:[4026531840]`. */
function nameOf(namespace: number): string {
  return readlinkSync(`/proc/self/fd/${namespace}`);
}
