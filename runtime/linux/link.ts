/**
 * The network interface behind a TUN descriptor: its flags and MTU, and word of every change.
 *
 * A netlink socket only says that something changed; what is so now is then asked for, so that no message has to be
 * understood and a lost one does no harm. An interface may be moved to another network namespace while the tunnel runs. Our
 * sockets stay: one in there would keep the namespace alive for as long as we live, and our interface with it. So
 *
 *   here       is asked with ioctls,
 *   elsewhere  with netlink, by the number that the other namespace has in ours. That takes CAP_NET_ADMIN alone, and word of
 *              changes CAP_NET_BROADCAST; without it they are looked for each second.
 *   unknown    is where CAP_NET_ADMIN is missing here or there. poll(2) then tells up from down, and nothing tells the MTU.
 */
import type { Log } from '../../src/log.ts';
import type { Ffi } from './ffi.ts';
import { EPERM, loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import { HEADER_BYTES, hearAllNamespaces, NetlinkQuestion, openNetlink, RTMGRP_LINK, watchNetlink } from './netlink.ts';
import type { Watch, Watches } from './poller.ts';

const TUNGETIFF = 0x800454d2;
/** _IO('T', 227): a descriptor of the network namespace that the interface is in. */
const TUNGETDEVNETNS = 0x54e3;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCGIFINDEX = 0x8933;

export const IFNAME_BYTES = 16;
export const IFREQ_BYTES = 40;
const IFF_UP = 1;

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFINFOMSG_BYTES = 16;
const IFI_FLAGS = HEADER_BYTES + 8;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFLA_TARGET_NETNSID = 46;

const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const RTGENMSG_BYTES = 4;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
const NO_NUMBER = -1;

const POLLOUT = 4;

/** As wireguard-go. */
const LOOK_EVERY_MS = 1000;

export interface LinkState {
  /** As it is now: interfaces can be renamed. */
  name: string;
  up: boolean;
  /** Undefined where it cannot be known. */
  mtu: number | undefined;
}

export class Link {
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #log: Log;
  readonly #tunFd: number;
  readonly #request: Memory;
  readonly #listener: number;
  readonly #hearsAll: boolean;
  readonly #netlink: NetlinkQuestion;
  readonly #watch: Watch;
  readonly #onChange: () => void;
  /** The kernel's name for the namespace that we live in, and the interface's index there, 0 when it came from elsewhere. */
  readonly #home: string;
  readonly #homeIndex: number;
  #lookout: NodeJS.Timeout | undefined;
  readonly #told = new Set<string>();

  constructor(ffi: Ffi, poller: Watches, tunFd: number, { log, onChange }: { log: Log; onChange: () => void }) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#log = log;
    this.#tunFd = tunFd;
    this.#onChange = onChange;
    this.#home = readNamespace(ffi, this.#libc, '/proc/self/ns/net');
    this.#request = new Memory(ffi, 64);
    this.#listener = openNetlink(ffi, RTMGRP_LINK);
    this.#hearsAll = hearAllNamespaces(ffi, this.#listener);
    try {
      this.#netlink = new NetlinkQuestion(ffi);
    } catch (error) {
      this.#libc.close(this.#listener);
      throw error;
    }
    this.#homeIndex = this.#readName() === undefined ? 0 : this.#indexHere();
    try {
      this.#watch = watchNetlink(ffi, poller, this.#listener, onChange);
    } catch (error) {
      this.#closeSockets();
      throw error;
    }
  }

  /** Undefined when the interface was deleted. */
  state(): LinkState | undefined {
    const name = this.#readName();
    if (name === undefined) return undefined;
    const there = this.#libc.ioctl(this.#tunFd, this.#ffi.size(TUNGETDEVNETNS), this.#ffi.handle(0));
    if (there < 0) {
      const isHere = this.#ffi.errno() !== EPERM; // kernels before 5.2 do not tell, and it is mostly here
      return isHere || this.#isIndexHere() ? this.#askHere(name) : this.#askByPolling(name);
    }
    try {
      return readNamespace(this.#ffi, this.#libc, `/proc/self/fd/${there}`) === this.#home
        ? this.#askHere(name)
        : this.#askIn(there, name);
    } finally {
      this.#libc.close(there);
    }
  }

  setMtu(mtu: number): void {
    if (this.#readName() === undefined) return;
    this.#request.view.setInt32(IFNAME_BYTES, mtu, true);
    if (this.#ioctl(this.#listener, SIOCSIFMTU) < 0)
      throw new LibcError(`cannot set the MTU to ${mtu}`, this.#ffi.errno(), 'Run as root, or with CAP_NET_ADMIN.');
  }

  close(): void {
    this.#lookOut('by being told');
    this.#watch.release();
    this.#closeSockets();
  }

  #closeSockets(): void {
    this.#libc.close(this.#listener);
    this.#netlink.close();
  }

  #askHere(name: string): LinkState | undefined {
    this.#lookOut('by being told');
    if (this.#readName() === undefined) return undefined;
    // These ioctls leave the name as it is. They work on a socket of any family.
    if (this.#ioctl(this.#listener, SIOCGIFFLAGS) < 0) return undefined;
    const up = (this.#request.view.getUint16(IFNAME_BYTES, true) & IFF_UP) !== 0;
    if (this.#ioctl(this.#listener, SIOCGIFMTU) < 0) return undefined;
    return { name, up, mtu: this.#request.view.getInt32(IFNAME_BYTES, true) };
  }

  #askIn(namespace: number, name: string): LinkState | undefined {
    const number = this.#numberOf(namespace);
    const netlink = this.#netlink;
    netlink.begin(RTM_GETLINK, IFINFOMSG_BYTES);
    netlink.addUint32(IFLA_TARGET_NETNSID, number);
    netlink.addUint32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    netlink.addBytes(IFLA_IFNAME, new TextEncoder().encode(name));
    if (!netlink.ask(RTM_NEWLINK)) return this.#readName() === undefined ? undefined : this.#askByPolling(name);
    this.#lookOut(this.#hearsAll ? 'by being told' : 'by looking');
    if (!this.#hearsAll)
      this.#tell('info', 'changes of the interface in its other network namespace are looked for each second', {
        remedy: 'To hear of them at once, give the daemon CAP_NET_BROADCAST.',
      });
    const { view } = netlink.answer;
    const up = (view.getUint32(IFI_FLAGS, true) & IFF_UP) !== 0;
    const mtu = netlink.find(IFLA_MTU);
    return { name, up, mtu: mtu === undefined ? undefined : view.getUint32(mtu, true) };
  }

  /** Of a namespace in ours. It is given one unless it has one: only those with a number are heard of. */
  #numberOf(namespace: number): number {
    const number = this.#askNumber(namespace);
    if (number !== NO_NUMBER) return number;
    this.#netlink.begin(RTM_NEWNSID, RTGENMSG_BYTES);
    this.#netlink.addUint32(NETNSA_NSID, NO_NUMBER >>> 0); // any number
    this.#netlink.addUint32(NETNSA_FD, namespace);
    this.#netlink.ask(RTM_NEWNSID); // is not answered when it went well
    return this.#askNumber(namespace);
  }

  #askNumber(namespace: number): number {
    this.#netlink.begin(RTM_GETNSID, RTGENMSG_BYTES);
    this.#netlink.addUint32(NETNSA_FD, namespace);
    const at = this.#netlink.ask(RTM_NEWNSID) ? this.#netlink.find(NETNSA_NSID) : undefined;
    return at === undefined ? NO_NUMBER : this.#netlink.answer.view.getInt32(at, true);
  }

  /** A TUN is writable while its interface is up. (An empty write, as wireguard-go tries, is EINVAL either way on Linux 6.18.) */
  #askByPolling(name: string): LinkState {
    this.#lookOut('by looking');
    this.#tell(
      'error',
      'the MTU of the interface cannot be known in its other network namespace and is taken to stay',
      {
        remedy: 'Give the daemon CAP_NET_ADMIN there, or set the MTU before the interface is moved.',
      },
    );
    const { view } = this.#request;
    view.setInt32(0, this.#tunFd, true);
    view.setUint32(4, POLLOUT, true); // and nothing seen yet
    this.#libc.poll(this.#request.at(0), this.#ffi.size(1), 0);
    return { name, up: (view.getUint16(6, true) & POLLOUT) !== 0, mtu: undefined };
  }

  #lookOut(how: 'by looking' | 'by being told'): void {
    if (how === 'by looking') this.#lookout ??= setInterval(this.#onChange, LOOK_EVERY_MS);
    else if (this.#lookout !== undefined) {
      clearInterval(this.#lookout);
      this.#lookout = undefined;
    }
  }

  #tell(level: 'info' | 'error', what: string, fields: { remedy: string }): void {
    if (this.#told.has(what)) return;
    this.#told.add(what);
    this.#log[level](fields, what);
  }

  /** Works wherever it is. The name stays in the request. */
  #readName(): string | undefined {
    this.#request.bytes.fill(0);
    return this.#ioctl(this.#tunFd, TUNGETIFF) < 0 ? undefined : this.#request.text(0, IFNAME_BYTES);
  }

  /** Without the right to ask where the interface is: another one here may have its name, but not its index. */
  #isIndexHere(): boolean {
    return this.#homeIndex !== 0 && this.#indexHere() === this.#homeIndex;
  }

  /** Of the interface here that has the name in the request; 0 when there is none. */
  #indexHere(): number {
    return this.#ioctl(this.#listener, SIOCGIFINDEX) < 0 ? 0 : this.#request.view.getInt32(IFNAME_BYTES, true);
  }

  #ioctl(fd: number, request: number): number {
    return this.#libc.ioctl(fd, this.#ffi.size(request), this.#request.at(0));
  }
}

/** `net:[4026531840]`. */
function readNamespace(ffi: Ffi, libc: Libc, path: string): string {
  // Not node:fs: Deno's reads nothing below /proc unless it may do everything.
  const memory = new Memory(ffi, 128);
  memory.setText(0, path);
  const length = libc.readlink(memory.at(0), memory.at(64), ffi.size(64));
  if (length < 0) throw new LibcError('cannot tell the network namespace', ffi.errno(), 'Mount /proc.');
  return memory.text(64, length);
}
