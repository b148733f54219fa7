/**
 * Allowed IPs in shared memory: the trie of device/allowed-ips.ts, flat. The control thread writes it whole, into the half
 * that nobody reads, and turns the halves at the gate; the workers look up.
 *
 * A node is eight words: the four of its prefix (big-endian, IPv4 in the first), the prefix length, the two children and the
 * owner. Children are node numbers, 0 for none; owners are kept as owner + 1.
 */
import type { Cidr, IpFamily } from '../ip.ts';

const LENGTH = 4;
const CHILDREN = 5;
const OWNER = 7;
export const NODE_WORDS = 8;

/** Node 0 is none; 1 and 2 are the roots, with empty prefixes, of IPv4 and IPv6. */
const ROOTS = { 4: 1, 6: 2 } as const;
const FIRST_FREE = 3;

/** The owner is somebody, and has no row: above every row. */
export const OWNER_WITHOUT_ROW = 2 ** 30;

/** An entry of the table: `owner` is a number from 0. */
export interface Route {
  prefix: Cidr;
  owner: number;
}

/** Each prefix takes its own node and at most one fork. */
const NODES_PER_PREFIX = 2;

/** How many prefixes fit, whichever they are. */
export function routeCapacity(table: Int32Array): number {
  return Math.floor((table.length / NODE_WORDS - FIRST_FREE) / NODES_PER_PREFIX);
}

/** Writes the whole table. False when it does not fit; what was written then is of no use. */
export function writeRoutes(table: Int32Array, routes: Iterable<Route>): boolean {
  const capacity = Math.floor(table.length / NODE_WORDS);
  table.fill(0, 0, FIRST_FREE * NODE_WORDS);
  let used = FIRST_FREE;
  const key = new Int32Array(4);
  for (const { prefix, owner } of routes) {
    if (used + NODES_PER_PREFIX > capacity) return false;
    readKey(prefix, key);
    used = insert(table, ROOTS[prefix.family], key, prefix.prefixLength, owner, used);
  }
  return true;
}

/** The owner of the longest prefix of the address at `offset` (4 or 16 bytes), -1 for none. */
export function lookUpRoute(table: Int32Array, family: IpFamily, view: DataView, offset: number): number {
  let owner = 0;
  let node: number = ROOTS[family];
  const bits = family === 4 ? 32 : 128;
  do {
    const at = node * NODE_WORDS;
    const length = table[at + LENGTH]!;
    if (!holds(table, at, length, view, offset)) break;
    if (table[at + OWNER] !== 0) owner = table[at + OWNER]!;
    if (length === bits) break;
    const word = view.getInt32(offset + ((length >>> 5) << 2));
    node = table[at + CHILDREN + ((word >>> (31 - (length & 31))) & 1)]!;
  } while (node !== 0);
  return owner - 1;
}

function holds(table: Int32Array, at: number, length: number, view: DataView, offset: number): boolean {
  let word = 0;
  for (; length - 32 * word >= 32; word++) if (table[at + word] !== view.getInt32(offset + 4 * word)) return false;
  const rest = length & 31;
  return rest === 0 || (table[at + word]! ^ view.getInt32(offset + 4 * word)) >>> (32 - rest) === 0;
}

/** Returns how many nodes are in use after it. */
function insert(table: Int32Array, root: number, key: Int32Array, length: number, owner: number, used: number): number {
  let parent = root;
  for (;;) {
    if (table[parent * NODE_WORDS + LENGTH] === length) {
      table[parent * NODE_WORDS + OWNER] = owner + 1;
      return used;
    }
    const link = parent * NODE_WORDS + CHILDREN + bitOf(key, 0, table[parent * NODE_WORDS + LENGTH]!);
    const child = table[link]!;
    const leaf = used;
    if (child === 0) {
      writeNode(table, leaf, key, length, owner);
      table[link] = leaf;
      return used + 1;
    }
    const shared = commonBits(table, child, key, Math.min(length, table[child * NODE_WORDS + LENGTH]!));
    if (shared === table[child * NODE_WORDS + LENGTH]) {
      parent = child;
      continue;
    }
    writeNode(table, leaf, key, length, owner);
    if (shared === length) {
      table[leaf * NODE_WORDS + CHILDREN + bitOf(table, child * NODE_WORDS, length)] = child;
      table[link] = leaf;
      return used + 1;
    }
    const fork = used + 1;
    writeNode(table, fork, key, shared, -1);
    table[fork * NODE_WORDS + CHILDREN + bitOf(table, child * NODE_WORDS, shared)] = child;
    table[fork * NODE_WORDS + CHILDREN + bitOf(key, 0, shared)] = leaf;
    table[link] = fork;
    return used + 2;
  }
}

function writeNode(table: Int32Array, node: number, key: Int32Array, length: number, owner: number): void {
  const at = node * NODE_WORDS;
  for (let word = 0; word < 4; word++) {
    const kept = Math.min(Math.max(length - 32 * word, 0), 32);
    table[at + word] = kept === 0 ? 0 : key[word]! & (-1 << (32 - kept));
  }
  table[at + LENGTH] = length;
  table[at + CHILDREN] = 0;
  table[at + CHILDREN + 1] = 0;
  table[at + OWNER] = owner + 1;
}

function readKey({ bytes }: Cidr, key: Int32Array): void {
  for (let i = 0; i < 4; i++) {
    const at = 4 * i;
    key[i] =
      ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  }
}

function bitOf(words: Int32Array, at: number, index: number): number {
  return (words[at + (index >>> 5)]! >>> (31 - (index & 31))) & 1;
}

function commonBits(table: Int32Array, node: number, key: Int32Array, limit: number): number {
  for (let word = 0; 32 * word < limit; word++) {
    const difference = table[node * NODE_WORDS + word]! ^ key[word]!;
    if (difference !== 0) return Math.min(limit, 32 * word + Math.clz32(difference));
  }
  return limit;
}
