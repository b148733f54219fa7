import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../src/errors.ts';
import {
  cidr,
  containsAddress,
  formatAddress,
  formatCidr,
  isReservedAddress,
  maskCidr,
  overlaps,
  parseCidr,
  type Cidr,
} from '../../src/ip.ts';
import { allocateAddress } from '../../src/network/addresses.ts';
import { planNetwork, type HostRequest } from '../../src/network/plan.ts';
import { knownService, randomPort } from '../../src/network/port.ts';
import { randomBelow } from '../../src/network/random.ts';
import { randomIpv4Range, randomUlaRange } from '../../src/network/ranges.ts';
import { seededRandom } from './seeded-random.ts';

const seed = fc.integer({ min: 1, max: 2 ** 31 });
const range = (text: string): Cidr => parseCidr(text) ?? assert.fail(text);
const host = (name: string, ...subnets: string[]): HostRequest => ({ name, subnets: subnets.map(range) });

describe('randomBelow', () => {
  it('gives every number below its bound about equally often', () => {
    const random = seededRandom(1);
    const counts = Array.from({ length: 7 }, () => 0);
    for (let i = 0; i < 7_000; i++) counts[randomBelow(7, random)]! += 1;
    assert.ok(
      counts.every((count) => count > 850 && count < 1_150),
      counts.join(),
    );
  });

  it('draws again instead of folding what lies past the last whole multiple', () => {
    const draws = [0xff, 0x00];
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(draws.shift() ?? assert.fail());
    assert.equal(randomBelow(3, random), 0); // 2^32 - 1 is the one value too many for 3
  });

  it('refuses bounds that it cannot draw below', () => {
    for (const below of [0, 1.5, 2 ** 32 + 1]) assert.throws(() => randomBelow(below, seededRandom(1)), RangeError);
  });
});

describe('ranges', () => {
  it('are a /24 of 10/8 that nothing common uses, and that overlaps nothing to be avoided', () => {
    const avoid = [range('10.64.0.0/10'), range('172.27.88.0/24')];
    fc.assert(
      fc.property(seed, (seed) => {
        const chosen = randomIpv4Range(seededRandom(seed), { avoid }) ?? assert.fail();
        assert.equal(formatCidr(maskCidr(chosen)), formatCidr(chosen));
        assert.equal(chosen.prefixLength, 24);
        assert.ok(containsAddress(range('10.0.0.0/8'), chosen));
        for (const taken of [...avoid, range('10.0.0.0/15'), range('10.8.0.0/24'), range('10.96.0.0/12')])
          assert.ok(!overlaps(chosen, taken));
      }),
    );
  });

  it('are chosen within another range when asked, even a common one', () => {
    const within = range('10.8.0.0/24');
    const chosen = randomIpv4Range(seededRandom(1), { within, prefixLength: 28 }) ?? assert.fail();
    assert.ok(containsAddress(within, chosen));
    assert.equal(chosen.prefixLength, 28);
  });

  it('are undefined when all is to be avoided', () => {
    assert.equal(randomIpv4Range(seededRandom(1), { avoid: [range('10.0.0.0/8')] }), undefined);
  });

  it('of IPv6 are a /64 of RFC 4193 with a random global id and subnet id', () => {
    const [a, b] = [randomUlaRange(seededRandom(1)), randomUlaRange(seededRandom(2))];
    assert.ok(containsAddress(range('fd00::/8'), a));
    assert.equal(formatCidr(maskCidr(a)), formatCidr(a));
    assert.equal(a.prefixLength, 64);
    assert.ok(a.bytes.slice(1, 8).some((byte, i) => byte !== b.bytes[i + 1]));
  });
});

describe('randomPort', () => {
  it('is a port for private use that no known service has', () => {
    fc.assert(
      fc.property(seed, (seed) => {
        const port = randomPort(seededRandom(seed));
        assert.ok(port >= 49152 && port <= 65535);
        assert.equal(knownService(port), undefined);
      }),
    );
  });

  it('passes over a known service', () => {
    // 51820 and then 55867, as offsets from 49152.
    const draws = [51820 - 49152, 55867 - 49152];
    const random = (): Uint8Array => {
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, draws.shift() ?? assert.fail());
      return bytes;
    };
    assert.match(knownService(51820) ?? '', /WireGuard/);
    assert.equal(randomPort(random), 55867);
  });
});

describe('allocateAddress', () => {
  it('gives every address of a range once, and none that no host may have', () => {
    fc.assert(
      fc.property(seed, fc.constantFrom('10.0.7.64/26', '10.0.7.4/30', 'fd00:7::/122'), (seed, text) => {
        const [random, within, taken] = [seededRandom(seed), range(text), new Set<string>()];
        for (;;) {
          const address = allocateAddress(within, taken, random);
          if (address === undefined) break;
          assert.ok(containsAddress(within, address));
          assert.ok(!isReservedAddress(within, address));
          assert.ok(!taken.has(formatAddress(address)));
          taken.add(formatAddress(address));
        }
        assert.equal(taken.size, 2 ** ((within.family === 4 ? 32 : 128) - within.prefixLength) - 2);
      }),
    );
  });

  it('uses both addresses of a point-to-point range, and the one of a single address', () => {
    for (const [text, count] of [
      ['10.0.7.4/31', 2],
      ['fd00::4/127', 2],
      ['10.0.7.4/32', 1],
    ] as const) {
      const taken = new Set<string>();
      for (let i = 0; i < count; i++)
        taken.add(formatAddress(allocateAddress(range(text), taken, seededRandom(i + 1)) ?? assert.fail()));
      assert.equal(taken.size, count);
      assert.equal(allocateAddress(range(text), taken, seededRandom(1)), undefined);
    }
  });

  it('keeps IPv6 addresses short', () => {
    const address = allocateAddress(range('fdc1:d89e:b128:6a04::/64'), new Set(), seededRandom(1)) ?? assert.fail();
    assert.match(formatAddress(address), /^fdc1:d89e:b128:6a04::[0-9a-f]{1,4}$/);
  });

  it('lengthens IPv6 addresses once the short ones are used up', () => {
    const within = range('fd00:7::/64');
    const taken = new Set(Array.from({ length: 65_534 }, (_, i) => `fd00:7::${(i + 1).toString(16)}`));
    const address = allocateAddress(within, taken, seededRandom(1)) ?? assert.fail();
    assert.ok(containsAddress(within, address));
    assert.ok(!taken.has(formatAddress(address)));
  });
});

describe('isReservedAddress', () => {
  it('is the first and the last of a range', () => {
    const isReserved = (text: string, address: string): boolean => isReservedAddress(range(text), range(address));
    assert.ok(isReserved('10.195.171.0/24', '10.195.171.0'));
    assert.ok(isReserved('10.195.171.7/24', '10.195.171.255'));
    assert.ok(isReserved('fd00:7::/64', 'fd00:7::'));
    assert.ok(!isReserved('10.195.171.0/24', '10.195.171.1'));
    assert.ok(!isReserved('10.195.170.0/23', '10.195.171.0'));
    assert.ok(!isReserved('10.195.171.0/31', '10.195.171.0'));
    assert.ok(!isReserved('0.0.0.0/24', '::'));
  });
});

describe('planNetwork', () => {
  it('gives every host an address of its own in both ranges', () => {
    const hosts = ['dolores', 'maeve', 'charlotte'].map((name) => host(name));
    fc.assert(
      fc.property(seed, (seed) => {
        const plan = planNetwork({ hosts }, seededRandom(seed));
        const addresses = plan.hosts.flatMap(({ addresses }) => addresses.map(formatAddress));
        assert.equal(new Set(addresses).size, 6);
        for (const { addresses, listenPort } of plan.hosts) {
          assert.ok(containsAddress(plan.ipv4, cidr(addresses[0], 32)));
          assert.ok(containsAddress(plan.ipv6, cidr(addresses[1], 128)));
          assert.equal(listenPort, plan.port);
        }
      }),
    );
  });

  it('takes what is given', () => {
    const plan = planNetwork(
      {
        hosts: [{ name: 'dolores', subnets: [range('172.27.88.0/24')], endpoint: { host: '203.0.113.54' } }],
        ipv4: range('10.195.171.0/24'),
        ipv6: range('fdc1:d89e:b128:6a04::/64'),
        port: 55867,
      },
      seededRandom(1),
    );
    assert.deepEqual(plan.hosts[0]?.endpoint, { host: '203.0.113.54', port: 55867 });
    assert.equal(formatCidr(maskCidr(plan.hosts[0].addresses[0])), '10.195.171.0/24');
  });

  it('lets a host listen where its endpoint says', () => {
    const hosts = [{ ...host('dolores'), endpoint: { host: '203.0.113.54', port: 55555 } }, host('maeve')];
    const plan = planNetwork({ hosts, port: 55867 }, seededRandom(1));
    assert.deepEqual(
      plan.hosts.map(({ listenPort }) => listenPort),
      [55555, 55867],
    );
  });

  const refused = (request: Parameters<typeof planNetwork>[0], message: RegExp): void =>
    assert.throws(
      () => planNetwork(request, seededRandom(1)),
      (error) => error instanceof UserError && message.test(error.message),
    );

  it('refuses subnets that overlap each other or the network', () => {
    refused({ hosts: [host('a', '172.27.0.0/16'), host('b', '172.27.88.0/24')] }, /of a and .* of b overlap/);
    refused({ hosts: [host('a', '10.195.0.0/16')], ipv4: range('10.195.171.0/24') }, /of the network and .* of a/);
  });

  it('refuses two hosts behind one port of one address', () => {
    const endpoint = { host: '203.0.113.54' };
    refused(
      {
        hosts: [
          { ...host('a'), endpoint },
          { ...host('b'), endpoint },
        ],
      },
      /a and b would both listen/,
    );
  });

  it('refuses a range that is too small', () => {
    refused({ hosts: ['a', 'b', 'c'].map((name) => host(name)), ipv4: range('10.0.7.0/30') }, /no address left/);
  });
});
