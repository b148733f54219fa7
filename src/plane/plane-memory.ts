/**
 * The memory that the control thread shares with its workers, and who writes what:
 *
 *   words      the gate (gate.ts), what there is one of: MTU, which half of the routes counts; and a line for each worker
 *   peers      one row each: how to send (control thread, at the gate), where they were heard of (inbound)
 *   keypairs   one row each: how to receive, the counter of what is sent with it
 *   indices    receiver index -> keypair row
 *   routes     two halves of allowed IPs
 *   windows    where several workers receive, the replay window of each keypair, under a lock
 *   workers    for each worker, which alone writes there: what it did for each peer, what it has dropped, its ring to the control
 *              thread; and the addresses of its cipher contexts
 *
 * Everything that one thread writes while another reads it is a 32-bit atomic or an aligned Float64 with one writer. Those
 * are read in one piece on the machines that this runs on, and a stale one is a counter or timer that is a little behind.
 * No key is in here: rows hold the addresses of cipher contexts, which belong to the crypto provider.
 *
 * Fresh shared memory costs nothing until it is written to, so the tables have room for what hardly anybody has. What does
 * not fit takes the way through the control thread.
 */
import type { DropReason } from '../device/contract.ts';
import { GATE_WORDS, MOST_WORKERS, WORKERS } from './gate.ts';
import { indexMapBytes } from './index-map.ts';
import { NODE_WORDS } from './route-table.ts';
import { WINDOW_BYTES } from './replay-windows.ts';
import { createRing } from './ring.ts';

/** Structured-cloneable: it goes to the workers as it is. */
export interface PlaneMemory {
  readonly words: SharedArrayBuffer;
  readonly peers: SharedArrayBuffer;
  readonly keypairs: SharedArrayBuffer;
  readonly indices: SharedArrayBuffer;
  readonly routes: SharedArrayBuffer;
  /** WINDOW_BYTES for each row of a keypair; empty with one inbound worker, which has them for itself. */
  readonly windows: SharedArrayBuffer;
  /** By their numbers. */
  readonly workers: readonly WorkerMemory[];
}

export type Role = 'outbound' | 'inbound';

export interface WorkerMemory {
  readonly role: Role;
  /** Which of those with its role it is, from 0. */
  readonly index: number;
  readonly ring: SharedArrayBuffer;
  readonly drops: SharedArrayBuffer;
  /** Float64 addresses: outbound by the row of the peer that is sent to, inbound by that of the keypair. */
  readonly contexts: SharedArrayBuffer;
  /** ACTIVITY_FLOATS for each row of a peer. */
  readonly activity: SharedArrayBuffer;
}

/** How many there are of each; those that send have the first numbers. */
export interface WorkerCounts {
  readonly outbound: number;
  readonly inbound: number;
}

export const ONE_PAIR: WorkerCounts = { outbound: 1, inbound: 1 };

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
/** Some keypair has no row: what the inbound workers do not know goes to the control thread. */
export const OVERFLOWED = GATE_WORDS + 2;
/** 1 when the two words below are known, and the workers may begin. */
export const BEGUN = GATE_WORDS + 3;
/** Which of the ways to compute the AEAD. */
export const CIPHER_MODE = GATE_WORDS + 4;
/** Whether the TUN takes and gives large UDP packets. */
export const UDP_OFFLOAD = GATE_WORDS + 5;

// A worker's own cache line.
const LINES = GATE_WORDS + 16;
const LINE_WORDS = 16;
const WORDS = LINES + LINE_WORDS * MOST_WORKERS;
/** Descriptors, -1 for none: the queue that it reads or where it writes; the sockets that it receives from or sends by. */
export const TUN_FD = 0;
export const UDP4_FD = 1;
export const UDP6_FD = 2;
export const DESCRIPTORS = [TUN_FD, UDP4_FD, UDP6_FD] as const;
/** The control thread sleeps and wants to hear of the next packet, and has been told already. */
export const WANTED = 3;
export const PENDING = 4;
/** Which of the kernel's threads the worker is; 0 when nobody knows. */
export const THREAD_ID = 5;
/** 1 when it is not needed after all: to be looked at once others have BEGUN. */
export const DISMISSED = 6;

/** Where a field of the worker's line is among the words. */
export function wordOf(worker: number, field: number): number {
  return LINES + LINE_WORDS * worker + field;
}

// A peer's row: two cache lines for the control thread, two for inbound.
const PEER_BYTES = 256;
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
/** A Float64 field, in units of 8 bytes. */
export const SEND_CREATED_AT = 12;
/**
 * Where inbound has heard of the peer since the row was written: a sequence (odd while it is being written, 0 for nowhere else)
 * and ENDPOINT_WORDS. The answer to what came from there must go there, whenever the control thread comes to it.
 */
export const MOVED_SEQUENCE = 32;
export const MOVED_ENDPOINT = 33;
/**
 * Serial of the latest keypair that inbound has seen confirmed. While it is a later one than the one to send with, outbound sends
 * nothing: the peer may have forgotten that, and the control thread knows the new one before it sees the next packet.
 */
export const CONFIRMED_SERIAL = 46;
/** How often it has moved: by this the control thread knows the later of two moves that two workers tell of. */
export const MOVES = 47;
/** Of the four above: held by whoever of inbound changes them. */
export const PEER_LOCK = 48;

// What a worker did for a peer: Float64 fields, each in one cache line with its others.
/** Bytes of datagrams, since the peer has its row. */
export const BYTES = 0;
/** When the last one was sent or received, and the last one with a packet in it; 0 for never. */
export const LAST_AT = 1;
export const LAST_DATA_AT = 2;
export const ACTIVITY_FLOATS = 4;

// A keypair's row: 64 bytes.
const KEYPAIR_BYTES = 64;
/** Row of the peer. */
export const KEYPAIR_PEER = 0;
/** Another one for each keypair that gets this row. */
export const KEYPAIR_SERIAL = 1;
/** 1 until the control thread knows that the other side has it. */
export const UNCONFIRMED = 2;
export const LOCAL_INDEX = 3;
/** How many messages were sent with it. Atomic: several threads take from it. */
export const SEND_COUNTER = 4;
/** A Float64 field. */
export const RECEIVE_CREATED_AT = 3;

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

export function createPlaneMemory(
  { peers, routeNodes, ringBytes }: PlaneLimits = PLANE_LIMITS,
  counts: WorkerCounts = ONE_PAIR,
): PlaneMemory {
  const keypairs = KEYPAIRS_PER_PEER * peers;
  const places = 2 ** Math.ceil(Math.log2(2 * keypairs));
  const createWorker = (role: Role, index: number): WorkerMemory => ({
    role,
    index,
    ring: createRing(ringBytes),
    drops: new SharedArrayBuffer(8 * DROP_REASONS.length),
    contexts: new SharedArrayBuffer(8 * (role === 'outbound' ? peers : keypairs)),
    activity: new SharedArrayBuffer(8 * ACTIVITY_FLOATS * peers),
  });
  const workers = (['outbound', 'inbound'] as const).flatMap((role) =>
    Array.from({ length: counts[role] }, (_, index) => createWorker(role, index)),
  );
  const words = new Int32Array(new SharedArrayBuffer(4 * WORDS));
  words[WORKERS] = workers.length;
  for (const worker of workers.keys()) for (const field of DESCRIPTORS) words[wordOf(worker, field)] = -1;
  return {
    words: words.buffer,
    peers: new SharedArrayBuffer(PEER_BYTES * peers),
    keypairs: new SharedArrayBuffer(KEYPAIR_BYTES * keypairs),
    indices: new SharedArrayBuffer(indexMapBytes(places)),
    routes: new SharedArrayBuffer(2 * 4 * NODE_WORDS * routeNodes),
    windows: new SharedArrayBuffer(counts.inbound > 1 ? WINDOW_BYTES * keypairs : 0),
    workers,
  };
}

/** The half of the routes that counts. */
export function currentRoutes(memory: PlaneMemory, half: number): Int32Array {
  const bytes = memory.routes.byteLength / 2;
  return new Int32Array(memory.routes, half * bytes, bytes / 4);
}
