/**
 * The routing of the host, as far as a sticky source depends on it: when something in it changes, and by which interface
 * a datagram would leave now. Layouts: rtnetlink(7).
 */
import type { Endpoint } from '../../src/peer/endpoint.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc, type Libc } from './libc.ts';
import { Memory } from './memory.ts';
import {
  openNetlink,
  RTMGRP_IPV4_IFADDR,
  RTMGRP_IPV4_ROUTE,
  RTMGRP_IPV4_RULE,
  RTMGRP_IPV6_IFADDR,
  RTMGRP_IPV6_ROUTE,
  RTMGRP_IPV6_RULE,
  RTMGRP_LINK,
  watchNetlink,
} from './netlink.ts';
import type { Poller, Watch } from './poller.ts';
import { AF_INET, AF_INET6 } from './socket-message.ts';

/** Links too: the routes of one that goes down go without a word. */
const GROUPS =
  RTMGRP_LINK |
  RTMGRP_IPV4_IFADDR |
  RTMGRP_IPV4_ROUTE |
  RTMGRP_IPV4_RULE |
  RTMGRP_IPV6_IFADDR |
  RTMGRP_IPV6_ROUTE |
  RTMGRP_IPV6_RULE;

const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const NLM_F_REQUEST = 1;
const HEADER_BYTES = 16;
const ROUTE_BYTES = 12;
const ATTRIBUTES = HEADER_BYTES + ROUTE_BYTES;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_MARK = 16;
const REQUEST_BYTES = 128;
const ANSWER_BYTES = 4096;

export class Routes {
  readonly #ffi: Ffi;
  readonly #libc: Libc;
  readonly #request: Memory;
  readonly #answer: Memory;
  readonly #listener: number;
  readonly #asker: number;
  readonly #watch: Watch;
  #generation = 1;

  constructor(ffi: Ffi, poller: Poller) {
    this.#ffi = ffi;
    this.#libc = loadLibc(ffi);
    this.#request = new Memory(ffi, REQUEST_BYTES);
    this.#answer = new Memory(ffi, ANSWER_BYTES);
    this.#listener = openNetlink(ffi, { groups: GROUPS });
    try {
      this.#asker = openNetlink(ffi, { groups: 0 });
    } catch (error) {
      this.#libc.close(this.#listener);
      throw error;
    }
    try {
      this.#watch = watchNetlink(ffi, poller, this.#listener, () => this.#generation++);
    } catch (error) {
      this.#closeSockets();
      throw error;
    }
  }

  /** Another one after every change. */
  get generation(): number {
    return this.#generation;
  }

  /** Index of the interface by which datagrams with this mark leave from `to`'s source; 0 when there is no such way. */
  interfaceTo(to: Endpoint, mark: number): number {
    const { view } = this.#request;
    const length = this.#writeQuestion(to, mark);
    view.setUint32(0, length, true);
    // The kernel answers before write() returns.
    if (this.#libc.write(this.#asker, this.#request.at(0), this.#ffi.size(length)) < 0) return 0;
    const received = this.#libc.recv(this.#asker, this.#answer.at(0), this.#ffi.size(ANSWER_BYTES), 0);
    return received < ATTRIBUTES ? 0 : this.#readAnswer();
  }

  close(): void {
    this.#watch.release();
    this.#closeSockets();
  }

  #closeSockets(): void {
    this.#libc.close(this.#listener);
    this.#libc.close(this.#asker);
  }

  #writeQuestion(to: Endpoint, mark: number): number {
    const { bytes, view } = this.#request;
    const v4 = to.family === 4;
    const addressBytes = v4 ? 4 : 16;
    bytes.fill(0);
    view.setUint16(4, RTM_GETROUTE, true);
    view.setUint16(6, NLM_F_REQUEST, true);
    bytes[HEADER_BYTES] = v4 ? AF_INET : AF_INET6;
    bytes[HEADER_BYTES + 1] = 8 * addressBytes; // of the destination
    bytes[HEADER_BYTES + 2] = 8 * addressBytes; // of the source
    let at = this.#writeAttribute(ATTRIBUTES, RTA_DST, to.address.subarray(0, addressBytes));
    at = this.#writeAttribute(at, RTA_SRC, to.source.subarray(0, addressBytes));
    view.setUint32(at + 4, mark, true);
    return this.#writeAttribute(at, RTA_MARK, bytes.subarray(at + 4, at + 8));
  }

  #writeAttribute(at: number, type: number, value: Uint8Array): number {
    this.#request.view.setUint16(at, 4 + value.length, true);
    this.#request.view.setUint16(at + 2, type, true);
    this.#request.bytes.set(value, at + 4);
    return at + 4 + value.length; // all of them are multiples of 4
  }

  #readAnswer(): number {
    const { view } = this.#answer;
    if (view.getUint16(4, true) !== RTM_NEWROUTE) return 0; // an error: there is no route
    const end = Math.min(view.getUint32(0, true), ANSWER_BYTES);
    for (let at = ATTRIBUTES; at + 8 <= end;) {
      const length = view.getUint16(at, true);
      if (view.getUint16(at + 2, true) === RTA_OIF) return view.getUint32(at + 4, true);
      if (length < 4) return 0;
      at += (length + 3) & ~3;
    }
    return 0;
  }
}
