/**
 * The routing of the host, as far as a sticky source depends on it: when something in it changes, and by which interface
 * a datagram would leave now. Layouts: rtnetlink(7).
 */
import type { Endpoint } from '../../src/peer/endpoint.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc, type Libc } from './libc.ts';
import {
  HEADER_BYTES,
  NetlinkQuestion,
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
import type { Watch, Watches } from './poller.ts';
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
const RTMSG_BYTES = 12;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_MARK = 16;

export class Routes {
  readonly #libc: Libc;
  readonly #listener: number;
  readonly #netlink: NetlinkQuestion;
  readonly #watch: Watch;
  #generation = 1;

  /** `changed` is called after every change. */
  constructor(ffi: Ffi, poller: Watches, changed: () => void) {
    this.#libc = loadLibc(ffi);
    this.#listener = openNetlink(ffi, GROUPS);
    try {
      this.#netlink = new NetlinkQuestion(ffi);
    } catch (error) {
      this.#libc.close(this.#listener);
      throw error;
    }
    try {
      this.#watch = watchNetlink(ffi, poller, this.#listener, () => {
        this.#generation++;
        changed();
      });
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
    const netlink = this.#netlink;
    const v4 = to.family === 4;
    const addressBytes = v4 ? 4 : 16;
    netlink.begin(RTM_GETROUTE, RTMSG_BYTES);
    netlink.question.bytes[HEADER_BYTES] = v4 ? AF_INET : AF_INET6;
    netlink.question.bytes[HEADER_BYTES + 1] = 8 * addressBytes; // of the destination
    netlink.question.bytes[HEADER_BYTES + 2] = 8 * addressBytes; // of the source
    netlink.addBytes(RTA_DST, to.address.subarray(0, addressBytes));
    netlink.addBytes(RTA_SRC, to.source.subarray(0, addressBytes));
    netlink.addUint32(RTA_MARK, mark);
    if (!netlink.ask(RTM_NEWROUTE)) return 0;
    const at = netlink.find(RTA_OIF);
    return at === undefined ? 0 : netlink.answer.view.getUint32(at, true);
  }

  close(): void {
    this.#watch.release();
    this.#closeSockets();
  }

  #closeSockets(): void {
    this.#libc.close(this.#listener);
    this.#netlink.close();
  }
}
