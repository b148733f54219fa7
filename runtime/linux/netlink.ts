/** Sockets of rtnetlink(7): word of what changes in the network, and questions about it. */
import type { Ffi, Handle } from './ffi.ts';
import { loadLibc, LibcError, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import type { Watch, Watches } from './poller.ts';

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

// struct nlmsghdr
const TYPE = 4;
const FLAGS = 6;
const SEQUENCE = 8;
export const HEADER_BYTES = 16;
const NLM_F_REQUEST = 1;
const QUESTION_BYTES = 256;

/** A descriptor of the network namespace that this thread is in. `groups`: RTMGRP_*, combined; 0 for one that only asks. */
export function openNetlink(ffi: Ffi, groups: number): number {
  const libc = loadLibc(ffi);
  const memory = new Memory(ffi, SOCKADDR_NL_BYTES);
  const socket = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_ROUTE);
  if (socket >= 0) {
    memory.view.setUint16(0, AF_NETLINK, true);
    memory.view.setUint32(8, groups, true);
    if (libc.bind(socket, memory.at(0), SOCKADDR_NL_BYTES) === 0) return socket;
  }
  const errno = ffi.errno();
  if (socket >= 0) libc.close(socket);
  throw new LibcError('cannot open a netlink socket', errno);
}

/** Has the socket hear the namespaces with a number in ours, too. False without CAP_NET_BROADCAST. */
export function hearAllNamespaces(ffi: Ffi, socket: number): boolean {
  const on = new Memory(ffi, 4);
  on.view.setUint32(0, 1, true);
  return loadLibc(ffi).setsockopt(socket, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, on.at(0), 4) === 0;
}

/** Calls back after every change. What the messages say does not matter: what is so now has to be asked for. */
export function watchNetlink(ffi: Ffi, poller: Watches, socket: number, onChange: () => void): Watch {
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

/**
 * One question at a time, and its answer: `begin`, what the family's struct and the attributes hold, `ask`, and then `find` in
 * `answer`. It has a socket of its own.
 */
export class NetlinkQuestion {
  readonly question: Memory;
  readonly answer: Memory;
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #socket: number;
  readonly #answerSize: Handle;
  #sequence = 0;
  #bodyBytes = 0;
  #end = 0;
  #answerEnd = 0;

  constructor(ffi: Ffi) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#socket = openNetlink(ffi, 0);
    this.question = new Memory(ffi, QUESTION_BYTES);
    this.answer = new Memory(ffi, MESSAGES_BYTES);
    this.#answerSize = ffi.size(MESSAGES_BYTES);
  }

  /** `bodyBytes`: of the struct between the header and the attributes, in the question and in its answer, rounded up to 4. */
  begin(type: number, bodyBytes: number): void {
    this.question.bytes.fill(0);
    this.question.view.setUint16(TYPE, type, true);
    this.question.view.setUint16(FLAGS, NLM_F_REQUEST, true);
    this.#bodyBytes = bodyBytes;
    this.#end = HEADER_BYTES + bodyBytes;
  }

  addUint32(type: number, value: number): void {
    this.question.view.setUint32(this.#addAttribute(type, 4), value, true);
  }

  addBytes(type: number, value: Uint8Array): void {
    this.question.bytes.set(value, this.#addAttribute(type, value.length));
  }

  /** Whether a message of this type was the answer; it is in `answer` then. */
  ask(answerType: number): boolean {
    const { view } = this.question;
    this.#sequence = (this.#sequence + 1) >>> 0;
    view.setUint32(0, this.#end, true);
    view.setUint32(SEQUENCE, this.#sequence, true);
    // The kernel answers before write() returns.
    if (this.#libc.write(this.#socket, this.question.at(0), this.#ffi.size(this.#end)) < 0) return false;
    for (;;) {
      const received = this.#libc.recv(this.#socket, this.answer.at(0), this.#answerSize, 0);
      if (received < HEADER_BYTES) return false;
      if (this.answer.view.getUint32(SEQUENCE, true) !== this.#sequence) continue;
      this.#answerEnd = Math.min(received, this.answer.view.getUint32(0, true));
      return this.answer.view.getUint16(TYPE, true) === answerType;
    }
  }

  /** Where the value of an attribute of 4 bytes or more is in `answer`; undefined when it is not there. */
  find(type: number): number | undefined {
    const { view } = this.answer;
    for (let at = HEADER_BYTES + this.#bodyBytes; at + 8 <= this.#answerEnd;) {
      const length = view.getUint16(at, true);
      if (view.getUint16(at + 2, true) === type) return at + 4;
      if (length < 4) return undefined;
      at += (length + 3) & ~3;
    }
    return undefined;
  }

  close(): void {
    this.#libc.close(this.#socket);
  }

  #addAttribute(type: number, length: number): number {
    const at = this.#end;
    this.question.view.setUint16(at, 4 + length, true);
    this.question.view.setUint16(at + 2, type, true);
    this.#end = at + ((4 + length + 3) & ~3);
    return at + 4;
  }
}
