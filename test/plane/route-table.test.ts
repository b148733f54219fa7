/** The flat table of allowed IPs, against the trie that it is made from. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AllowedIps } from '../../src/device/allowed-ips.ts';
import { addressFromBytes, cidr, type Cidr, type IpFamily } from '../../src/ip.ts';
import { lookUpRoute, NODE_WORDS, type Route, writeRoutes } from '../../src/plane/route-table.ts';

/** Few values, so that prefixes lie in each other. */
const address = (family: IpFamily) =>
  fc.uint8Array({ minLength: family === 4 ? 4 : 16, maxLength: family === 4 ? 4 : 16, max: 3 });

const prefix = fc
  .constantFrom<IpFamily>(4, 6)
  .chain((family) =>
    fc
      .tuple(address(family), fc.nat(family === 4 ? 32 : 128))
      .map(([bytes, length]) => cidr(addressFromBytes(bytes), length)),
  );

test('it finds the longest prefix, as the trie does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(prefix, fc.nat(5)), { maxLength: 40 }),
      fc.array(fc.oneof(address(4), address(6)), { maxLength: 20 }),
      (entries, addresses) => {
        const trie = new AllowedIps<number>();
        for (const [cidr, owner] of entries) trie.insert(cidr, owner);
        const table = new Int32Array(NODE_WORDS * 100);
        const routes = Array.from(trie.entries(), ([prefix, owner]) => ({ prefix, owner }));
        assert.equal(writeRoutes(table, routes), true);
        const inside = entries.map(([{ bytes }]) => bytes);
        for (const bytes of [...addresses, ...inside]) check(trie, table, bytes);
      },
    ),
  );
});

function check(trie: AllowedIps<number>, table: Int32Array, bytes: Uint8Array): void {
  const family = bytes.length === 4 ? 4 : 6;
  const packet = new Uint8Array(21);
  packet.set(bytes, 5);
  assert.equal(lookUpRoute(table, family, new DataView(packet.buffer), 5), trie.lookup(family, packet, 5) ?? -1);
}

test('a table is written anew over an old one', () => {
  const table = new Int32Array(NODE_WORDS * 10);
  const view = new DataView(Uint8Array.of(10, 1, 2, 3).buffer);
  const route = (text: number[], length: number, owner: number): Route => ({
    prefix: cidr(addressFromBytes(Uint8Array.from(text)), length),
    owner,
  });
  assert.equal(writeRoutes(table, [route([0, 0, 0, 0], 0, 7), route([10, 0, 0, 0], 8, 1)]), true);
  assert.equal(lookUpRoute(table, 4, view, 0), 1);
  assert.equal(writeRoutes(table, [route([10, 1, 0, 0], 16, 2)]), true);
  assert.equal(lookUpRoute(table, 4, view, 0), 2);
  assert.equal(writeRoutes(table, []), true);
  assert.equal(lookUpRoute(table, 4, view, 0), -1);
});

test('what does not fit is refused, and nothing is written behind the table', () => {
  const routes: { prefix: Cidr; owner: number }[] = Array.from({ length: 40 }, (_, i) => ({
    prefix: cidr(addressFromBytes(Uint8Array.of(10, 0, i, 0)), 24),
    owner: i,
  }));
  const memory = new Int32Array(NODE_WORDS * 31).fill(77);
  assert.equal(writeRoutes(memory.subarray(0, NODE_WORDS * 30), routes), false);
  assert.ok(memory.subarray(NODE_WORDS * 30).every((word) => word === 77));
});
