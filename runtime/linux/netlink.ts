/** Sockets of rtnetlink(7): word of what changes in the network, and questions about it. */
import type { Ffi } from './ffi.ts';
import { loadLibc, LibcError } from './libc.ts';
import { Memory } from './memory.ts';
import type { Poller, Watch } from './poller.ts';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0x80000 | 0x800;
const NETLINK_ROUTE = 0;
const SOCKADDR_NL_BYTES = 12;
const SOL_NETLINK = 270;
const NETLINK_LISTEN_ALL_NSID = 8;
const MESSAGES_BYTES = 8192;

// Groups to listen to: linux/rtnetlink.h. The last has no name there: 1 << (RTNLGRP_IPV6_RULE - 1).
export const RTMGRP_LINK = 1;
export const RTMGRP_IPV4_IFADDR = 0x10;
export const RTMGRP_IPV4_ROUTE = 0x40;
export const RTMGRP_IPV4_RULE = 0x80;
export const RTMGRP_IPV6_IFADDR = 0x100;
export const RTMGRP_IPV6_ROUTE = 0x400;
export const RTMGRP_IPV6_RULE = 0x40000;

export interface NetlinkOptions {
  /** RTMGRP_*, combined; 0 for a socket that only asks. */
  groups: number;
  /** Whether the namespaces that have a number in ours are listened to as well. */
  namespaces?: 'ours' | 'all';
}

/** A descriptor of the network namespace that this thread is in. */
export function openNetlink(ffi: Ffi, { groups, namespaces = 'ours' }: NetlinkOptions): number {
  const libc = loadLibc(ffi);
  const memory = new Memory(ffi, 16);
  const { view } = memory;
  const socket = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE);
  if (socket >= 0) {
    // Refused without CAP_NET_BROADCAST: then what happens in other namespaces is not heard of.
    view.setUint32(0, 1, true);
    if (namespaces === 'all') libc.setsockopt(socket, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, memory.at(0), 4);
    memory.bytes.fill(0);
    view.setUint16(0, AF_NETLINK, true);
    view.setUint32(8, groups, true);
    if (libc.bind(socket, memory.at(0), SOCKADDR_NL_BYTES) === 0) return socket;
  }
  const errno = ffi.errno();
  if (socket >= 0) libc.close(socket);
  throw new LibcError('cannot open a netlink socket', errno);
}

/** Calls back after every change. What the messages say does not matter: what is so now has to be asked for. */
export function watchNetlink(ffi: Ffi, poller: Poller, socket: number, onChange: () => void): Watch {
  const libc = loadLibc(ffi);
  const messages = new Memory(ffi, MESSAGES_BYTES);
  const size = ffi.size(MESSAGES_BYTES);
  const watch = poller.watch(socket, () => {
    // One that was too long or lost (ENOBUFS) is a change like any other.
    while (libc.recv(socket, messages.at(0), size, 0) > 0);
    onChange();
    watch.arm();
  });
  watch.arm();
  return watch;
}
