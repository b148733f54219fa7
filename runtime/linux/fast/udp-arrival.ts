/**
 * What recvmsg(2) tells beside the data: who sent it, to which address of ours, ECN bits, and the length of each datagram when
 * the kernel has merged several (UDP_GRO). Layouts: recvmsg(2), cmsg(3), udp(7), ip(7), ipv6(7).
 */
import {
  ADDRESS,
  ARRIVAL,
  ENDPOINT_WORDS,
  HAS_SOURCE,
  PEER,
  SCOPE,
  SOURCE,
  SOURCE_INTERFACE,
} from '../../../src/plane/endpoint-words.ts';
import type { Arena } from '../../../src/offload/arena.ts';
import {
  AF_INET,
  CMSG_HEADER,
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  IPV6_TCLASS,
} from '../socket-message.ts';
import { SOL_UDP, UDP_GRO } from './fast-libc.ts';

/** What is told of a message takes no more control data. */
export const CONTROL_ROOM = 192;

export interface Arrival {
  /** Where it came from, and where it arrived, as endpoint words. */
  readonly from: Int32Array;
  ecn: number;
  /** Length of each datagram when several were merged, else 0. */
  segmentBytes: number;
}

export function createArrival(): Arrival {
  return { from: new Int32Array(ENDPOINT_WORDS), ecn: 0, segmentBytes: 0 };
}

/** `name`, `control`: where in the arena the kernel has written the address and `controlBytes` of control messages. */
export function readArrival(arena: Arena, name: number, control: number, controlBytes: number, arrival: Arrival): void {
  const { u32 } = arena;
  readName(arena, name, arrival.from);
  arrival.ecn = 0;
  arrival.segmentBytes = 0;
  const end = control + controlBytes;
  for (let at = control; at + CMSG_HEADER <= end;) {
    const length = u32[at >>> 2]!;
    if (length < CMSG_HEADER) break;
    readControl(arena, u32[(at >>> 2) + 2]!, u32[(at >>> 2) + 3]!, at + CMSG_HEADER, arrival);
    at += (length + 7) & ~7;
  }
}

function readName({ view }: Arena, name: number, from: Int32Array): void {
  const v4 = view.getUint16(name, true) === AF_INET;
  from.fill(0);
  from[PEER] = ((v4 ? 4 : 6) << 16) | view.getUint16(name + 2);
  from[ADDRESS] = view.getInt32(name + (v4 ? 4 : 8), true);
  if (v4) return;
  for (let i = 1; i < 4; i++) from[ADDRESS + i] = view.getInt32(name + 8 + 4 * i, true);
  from[SCOPE] = view.getInt32(name + 24, true);
}

function readControl({ view, bytes }: Arena, level: number, type: number, data: number, arrival: Arrival): void {
  const { from } = arrival;
  if (level === SOL_UDP && type === UDP_GRO) arrival.segmentBytes = view.getInt32(data, true);
  else if ((level === IPPROTO_IP && type === IP_TOS) || (level === IPPROTO_IPV6 && type === IPV6_TCLASS))
    arrival.ecn = bytes[data]! & 3;
  else if (level === IPPROTO_IP && type === IP_PKTINFO) {
    from[ARRIVAL] = view.getInt32(data, true);
    from[SOURCE] = view.getInt32(data + 4, true);
    from[HAS_SOURCE] = 1;
  } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
    for (let i = 0; i < 4; i++) from[SOURCE + i] = view.getInt32(data + 4 * i, true);
    from[ARRIVAL] = view.getInt32(data + 16, true);
    // fe80::/10, as in socket-message.ts: any other source is good on every interface.
    const isLinkLocal = bytes[data] === 0xfe && (bytes[data + 1]! & 0xc0) === 0x80;
    from[SOURCE_INTERFACE] = isLinkLocal ? from[ARRIVAL] : 0;
    from[HAS_SOURCE] = 1;
  }
}
