/**
 * The memory that the control thread shares with its workers, and who writes what:
 *
 *   words      the gate (gate.ts), and what there is one of: descriptors, MTU, which half of the routes counts
 *   peers      one row each: how to send (control thread, at the gate), what was sent (outbound), what was received (inbound)
 *   keypairs   one row each: how to receive, the counter of what is sent with it
 *   indices    receiver index -> keypair row
 *   routes     two halves of allowed IPs
 *   drops      how much each worker has dropped, by reason
 *   rings      outbound -> control, inbound -> control
 *
 * Everything that one thread writes while another reads it is a 32-bit atomic or an aligned Float64 with one writer. Those
 * are read in one piece on the machines that this runs on, and a stale one is a counter or timer that is a little behind.
 * No key is in here: rows hold the addresses of cipher contexts, which belong to the crypto provider.
 *
 * Fresh shared memory costs nothing until it is written to, so the tables have room for what hardly anybody has. What does
 * not fit takes the way through the control thread.
 */
import type { DropReason } from '../device/contract.ts';
import { GATE_WORDS } from './gate.ts';
import { NODE_WORDS } from './route-table.ts';
import { createRing } from './ring.ts';

/** Structured-cloneable: it goes to the workers as it is. */
export interface PlaneMemory {
  readonly words: SharedArrayBuffer;
  readonly peers: SharedArrayBuffer;
  readonly keypairs: SharedArrayBuffer;
  readonly indices: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
  readonly drops: SharedArrayBuffer;
  readonly rings: { readonly outbound: SharedArrayBuffer; readonly inbound: SharedArrayBuffer };
}

export interface PlaneLimits {
  peers: number;
  /** Nodes of the allowed IPs: up to two for each prefix. */
  routeNodes: number;
  /** Bytes, a power of two. */
  ringBytes: number;
}

const PLANE_LIMITS: PlaneLimits = { peers: 1 << 16, routeNodes: 1 << 21, ringBytes: 1 << 19 };

/** Three keypairs for each peer. */
const KEYPAIRS_PER_PEER = 3;

// Words after those of the gate.
export const MTU = GATE_WORDS;
export const ROUTES_HALF = GATE_WORDS + 1;
/** Descriptors, -1 for none. */
export const TUN_FD = GATE_WORDS + 2;
export const UDP4_FD = GATE_WORDS + 3;
export const UDP6_FD = GATE_WORDS + 4;
/** Some keypair has no row: what the inbound worker does not know goes to the control thread. */
export const OVERFLOWED = GATE_WORDS + 5;
/** 1 when the two words below are known, and the workers may begin. */
export const BEGUN = GATE_WORDS + 6;
/** Which of the ways to compute the AEAD. */
export const CIPHER_MODE = GATE_WORDS + 7;
/** Whether the TUN takes and gives large UDP packets. */
export const UDP_OFFLOAD = GATE_WORDS + 8;
/** The control thread sleeps and wants to hear of the next packet, and has been told already. */
export const WANTED = { outbound: GATE_WORDS + 16, inbound: GATE_WORDS + 32 } as const;
export const PENDING = { outbound: GATE_WORDS + 17, inbound: GATE_WORDS + 33 } as const;
/** Which of the kernel's threads the worker is; 0 when nobody knows. */
export const THREAD_ID = { outbound: GATE_WORDS + 18, inbound: GATE_WORDS + 34 } as const;
const WORDS = GATE_WORDS + 48;

// A peer's row: two cache lines for the control thread, one for outbound, two for inbound.
const PEER_BYTES = 320;
/** 1 when outbound may send on its own. */
export const SENDABLE = 0;
export const REMOTE_INDEX = 1;
/** Row of the keypair to send with, for its counter. */
export const SEND_KEYPAIR = 2;
/** Another one after every change of the row. */
export const VERSION = 3;
/** ENDPOINT_WORDS of them. */
export const ENDPOINT = 4;
/** Of the keypair to send with. Serials grow. */
export const SEND_SERIAL = 17;
/** Float64 fields, in units of 8 bytes. */
export const SEND_CONTEXT = 12;
export const SEND_CREATED_AT = 13;
export const TX_BYTES = 16;
export const SENT_AT = 17;
export const DATA_SENT_AT = 18;
export const RX_BYTES = 24;
export const RECEIVED_AT = 25;
export const DATA_RECEIVED_AT = 26;
/**
 * Where inbound has heard of the peer since the row was written: a sequence (odd while it is being written, 0 for nowhere else)
 * and ENDPOINT_WORDS. The answer to what came from there must go there, whenever the control thread comes to it.
 */
export const MOVED_SEQUENCE = 64;
export const MOVED_ENDPOINT = 65;
/**
 * Serial of the latest keypair that inbound has seen confirmed. While it is a later one than the one to send with, outbound sends
 * nothing: the peer may have forgotten that, and the control thread knows the new one before it sees the next packet.
 */
export const CONFIRMED_SERIAL = 78;

// A keypair's row: 64 bytes.
const KEYPAIR_BYTES = 64;
/** Row of the peer. */
export const KEYPAIR_PEER = 0;
/** Another one for each keypair that gets this row. */
export const KEYPAIR_SERIAL = 1;
/** 1 until the control thread knows that the other side has it. */
export const UNCONFIRMED = 2;
export const LOCAL_INDEX = 3;
/** How many messages were sent with it. Atomic: two threads take from it. */
export const SEND_COUNTER = 4;
/** Float64 fields. */
export const RECEIVE_CONTEXT = 3;
export const RECEIVE_CREATED_AT = 4;

export const PEER_WORDS = PEER_BYTES / 4;
export const PEER_FLOATS = PEER_BYTES / 8;
export const KEYPAIR_WORDS = KEYPAIR_BYTES / 4;
export const KEYPAIR_FLOATS = KEYPAIR_BYTES / 8;

/** Why a worker drops something. Its place in the list is its place in the memory. */
export const DROP_REASONS = [
  'bad-length',
  'unknown-type',
  'unknown-index',
  'stale-keypair',
  'bad-tag',
  'replayed',
  'bad-inner-packet',
  'ecn-mismatch',
  'source-not-allowed',
  'packet-too-short',
  'queue-full',
  'truncated',
  'not-delivered',
  'link-down',
  'bad-offload',
] as const satisfies readonly DropReason[];

export function createPlaneMemory({ peers, routeNodes, ringBytes }: PlaneLimits = PLANE_LIMITS): PlaneMemory {
  const keypairs = KEYPAIRS_PER_PEER * peers;
  const places = 2 ** Math.ceil(Math.log2(2 * keypairs));
  const words = new SharedArrayBuffer(4 * WORDS);
  new Int32Array(words).fill(-1, TUN_FD, UDP6_FD + 1);
  return {
    words,
    peers: new SharedArrayBuffer(PEER_BYTES * peers),
    keypairs: new SharedArrayBuffer(KEYPAIR_BYTES * keypairs),
    indices: new SharedArrayBuffer(8 * places),
    routes: new SharedArrayBuffer(2 * 4 * NODE_WORDS * routeNodes),
    drops: new SharedArrayBuffer(2 * 8 * DROP_REASONS.length),
    rings: { outbound: createRing(ringBytes), inbound: createRing(ringBytes) },
  };
}

/** The half of the routes that counts. */
export function currentRoutes(memory: PlaneMemory, half: number): Int32Array {
  const bytes = memory.routes.byteLength / 2;
  return new Int32Array(memory.routes, half * bytes, bytes / 4);
}

/** A worker's own drop counts. */
export function dropCounts(memory: PlaneMemory, role: 'outbound' | 'inbound'): Float64Array {
  const from = role === 'outbound' ? 0 : 8 * DROP_REASONS.length;
  return new Float64Array(memory.drops, from, DROP_REASONS.length);
}
