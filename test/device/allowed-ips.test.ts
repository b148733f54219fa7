/** The trie against a router that just looks at every prefix. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { AllowedIps } from '../../src/device/allowed-ips.ts';
import {
  addressFromBytes,
  cidr,
  containsAddress,
  formatCidr,
  maskCidr,
  parseAddress,
  parseCidr,
  type Cidr,
  type IpAddress,
} from '../../src/ip.ts';

/** The specification, as slow as it is clear: the order of the map is that of insertion. */
class NaiveRouter {
  readonly #routes = new Map<string, { prefix: Cidr; owner: string }>();

  insert(prefix: Cidr, owner: string): void {
    this.#routes.delete(formatCidr(prefix));
    this.#routes.set(formatCidr(prefix), { prefix, owner });
  }

  remove(prefix: Cidr, owner: string): void {
    if (this.#routes.get(formatCidr(prefix))?.owner === owner) this.#routes.delete(formatCidr(prefix));
  }

  removeAll(owner: string): void {
    for (const [key, route] of this.#routes) if (route.owner === owner) this.#routes.delete(key);
  }

  lookup(address: IpAddress): string | undefined {
    const matching = [...this.#routes.values()].filter(({ prefix }) => containsAddress(prefix, address));
    return matching.sort((a, b) => b.prefix.prefixLength - a.prefix.prefixLength)[0]?.owner;
  }

  list(owner: string): string[] {
    return [...this.#routes].filter(([, route]) => route.owner === owner).map(([key]) => key);
  }
}

/** Few bytes to choose from, so that prefixes nest, collide and part in the middle of a byte. */
const byte = fc.constantFrom(0, 1, 2, 10, 127, 128, 129, 192, 255);
const address = fc
  .constantFrom(4, 16)
  .chain((length) => fc.array(byte, { minLength: length, maxLength: length }))
  .map((bytes) => addressFromBytes(Uint8Array.from(bytes)));
const prefix = fc
  .tuple(address, fc.nat())
  .map(([address, n]) => maskCidr(cidr(address, n % (8 * address.bytes.length + 1))));
const owner = fc.constantFrom('a', 'b', 'c');

/** What can be done to both; `insert` and `remove` use the first of the prefixes. */
const step = fc.record({
  operation: fc.constantFrom('insert', 'insert', 'insert', 'remove', 'remove', 'removeAll', 'replace'),
  prefixes: fc.array(prefix, { minLength: 1, maxLength: 5 }),
  owner,
});

function lookup(table: AllowedIps<string>, text: string): string | undefined {
  const { family, bytes } = parseAddress(text)!;
  return table.lookup(family, bytes, 0);
}

function insertAll(table: AllowedIps<string>, owner: string, ...prefixes: string[]): void {
  for (const text of prefixes) table.insert(parseCidr(text)!, owner);
}

describe('allowed IPs', () => {
  it('route like a router that looks at every prefix, whatever was inserted and removed before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(address), (steps, addresses) => {
        const table = new AllowedIps<string>();
        const naive = new NaiveRouter();
        const touched: IpAddress[] = [];
        for (const { operation, prefixes, owner } of steps) {
          if (operation === 'insert') table.insert(prefixes[0]!, owner);
          else if (operation === 'remove') table.remove(prefixes[0]!, owner);
          else if (operation === 'removeAll') table.removeAll(owner);
          else table.replace(owner, prefixes);
          if (operation === 'insert') naive.insert(prefixes[0]!, owner);
          else if (operation === 'remove') naive.remove(prefixes[0]!, owner);
          else naive.removeAll(owner);
          if (operation === 'replace') for (const prefix of prefixes) naive.insert(prefix, owner);
          touched.push(...prefixes);
        }
        for (const { family, bytes } of [...addresses, ...touched])
          assert.equal(table.lookup(family, bytes, 0), naive.lookup({ family, bytes }));
        for (const owner of ['a', 'b', 'c']) assert.deepEqual(table.list(owner).map(formatCidr), naive.list(owner));
      }),
      { numRuns: 500 },
    );
  });

  it('the longest prefix wins, and removing it uncovers the shorter one', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'everything', '0.0.0.0/0');
    insertAll(table, 'net', '10.195.171.0/24');
    insertAll(table, 'host', '10.195.171.142/32');
    assert.equal(lookup(table, '10.195.171.142'), 'host');
    table.remove(parseCidr('10.195.171.142/32')!, 'host');
    assert.equal(lookup(table, '10.195.171.142'), 'net');
    table.remove(parseCidr('10.195.171.0/24')!, 'net');
    assert.equal(lookup(table, '10.195.171.142'), 'everything');
  });

  it('IPv4 and IPv6 never meet', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'four', '0.0.0.0/0');
    assert.equal(lookup(table, '::'), undefined);
    insertAll(table, 'six', '::/0');
    assert.equal(lookup(table, '0.0.0.0'), 'four');
    assert.equal(lookup(table, '::'), 'six');
  });

  it('reads an address in the middle of a packet', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'a', '10.0.0.0/8');
    assert.equal(table.lookup(4, Uint8Array.of(9, 9, 10, 1, 2, 3, 9), 2), 'a');
  });

  it('a prefix given to another peer is taken from the first', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'a', '10.0.0.0/8', '10.1.0.0/16');
    insertAll(table, 'b', '10.0.0.0/8');
    assert.deepEqual(table.list('a').map(formatCidr), ['10.1.0.0/16']);
    assert.equal(lookup(table, '10.2.0.1'), 'b');
  });

  it('what is not theirs is not removed from a peer', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'a', '10.0.0.0/8');
    table.remove(parseCidr('10.0.0.0/8')!, 'b');
    table.remove(parseCidr('10.0.0.0/9')!, 'a');
    assert.equal(lookup(table, '10.2.0.1'), 'a');
  });

  it('host bits do not matter', () => {
    const table = new AllowedIps<string>();
    insertAll(table, 'a', '10.195.171.142/24');
    assert.deepEqual(table.list('a').map(formatCidr), ['10.195.171.0/24']);
    table.remove(parseCidr('10.195.171.7/24')!, 'a');
    assert.equal(lookup(table, '10.195.171.1'), undefined);
  });

  it('copes with 130,000 prefixes of one peer', () => {
    const table = new AllowedIps<string>();
    const prefixes = Array.from({ length: 131_072 }, (_, i) =>
      cidr(addressFromBytes(Uint8Array.of(10 + (i >>> 16), i >>> 8, i, 0)), 24 + (i & 7)),
    );
    table.replace('a', prefixes);
    assert.equal(table.list('a').length, prefixes.length);
    assert.equal(lookup(table, '11.255.255.0'), 'a');
    table.replace('a', [parseCidr('192.0.2.0/24')!]);
    assert.equal(lookup(table, '11.255.255.0'), undefined);
    assert.deepEqual(table.list('a').map(formatCidr), ['192.0.2.0/24']);
  });
});
