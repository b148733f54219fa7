/** What every UDP adapter must do. Two sockets `a` and `b` that reach each other, each with a second IPv4 address. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseAddress, type IpAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import type { DatagramSource, Udp } from '../../src/tunnel/ports.ts';
import { waitFor } from '../interop/lab/wait.ts';

export interface UdpFixture {
  a: Udp;
  b: Udp;
  /** Addresses of b. */
  v4: string;
  secondV4: string;
  v6: string;
}

const PORT = 7777;
const FOREIGN = '203.0.113.77';
const LARGEST = 65_507;

export interface UdpAbilities {
  /** Reads and sets ECN bits and the local address of a datagram. Without it the port has to say that it knows neither. */
  packetInfo: boolean;
}

const ALL: UdpAbilities = { packetInfo: true };

export function udpConformance(name: string, open: () => UdpFixture, { packetInfo } = ALL): void {
  const seen = (ecn: number): number => (packetInfo ? ecn : 0);
  const it = (what: string, body: (fixture: UdpFixture) => Promise<void> | void) =>
    test(what, async () => {
      const fixture = open();
      try {
        await body(fixture);
      } finally {
        await Promise.all([fixture.a.close(), fixture.b.close()]);
      }
    });

  describe(`UDP: ${name}`, () => {
    it('without a port nothing is sent or received', ({ a, v4 }) => {
      assert.equal(a.port, 0);
      assert.equal(a.send(Uint8Array.of(1), 0, 1, to(v4), 0), false);
      assert.equal(a.receive(new Uint8Array(9), 0, createSource()), -1);
    });

    it('port 0 chooses one', ({ a }) => {
      a.bind(0);
      assert.ok(a.port > 0 && a.port < 65_536);
    });

    for (const family of ['v4', 'v6'] as const)
      it(`a datagram crosses over IP${family} with its sender and ECN bits, and an answer comes back`, async (fixture) => {
        const { a, b } = fixture;
        a.bind(0);
        b.bind(PORT);
        for (const ecn of [0, 1, 2, 3]) {
          assert.equal(a.send(Uint8Array.of(9, 8, 7, ecn, 5), 1, 3, to(fixture[family]), ecn), true);
          const question = await next(b);
          assert.deepEqual([...question.bytes], [8, 7, ecn]);
          assert.equal(question.source.ecn, seen(ecn));
          assert.equal(question.source.from.port, a.port);
          assert.equal(question.source.truncated, false);
          assert.equal(b.send(Uint8Array.of(ecn), 0, 1, question.source.from, 3 - ecn), true);
          const answer = await next(a);
          assert.deepEqual([...answer.bytes], [ecn]);
          assert.equal(answer.source.ecn, seen(3 - ecn));
          assert.equal(answer.source.from.port, PORT);
        }
      });

    it('a datagram may be empty, and it is received behind the given offset only', async ({ a, b, v4 }) => {
      a.bind(0);
      b.bind(PORT);
      a.send(new Uint8Array(1), 0, 0, to(v4), 0);
      assert.equal((await next(b)).bytes.length, 0);
      a.send(Uint8Array.of(1, 2), 0, 2, to(v4), 0);
      const buffer = new Uint8Array(8).fill(0xee);
      const source = createSource();
      await waitFor('it arrives', () => b.receive(buffer, 3, source) === 2);
      assert.deepEqual([...buffer], [0xee, 0xee, 0xee, 1, 2, 0xee, 0xee, 0xee]);
    });

    if (packetInfo)
      it('an answer leaves from the address that was written to', async ({ a, b, secondV4 }) => {
        a.bind(0);
        b.bind(PORT);
        a.send(Uint8Array.of(1), 0, 1, to(secondV4), 0);
        const { source } = await next(b);
        assert.equal(source.from.hasSource, true);
        b.send(Uint8Array.of(2), 0, 1, source.from, 0);
        assert.equal((await next(a)).source.from.toString(), `${secondV4}:${PORT}`);
      });
    else
      it('nothing is said of the address that was written to', async ({ a, b, secondV4 }) => {
        a.bind(0);
        b.bind(PORT);
        a.send(Uint8Array.of(1), 0, 1, to(secondV4), 0);
        assert.equal((await next(b)).source.from.hasSource, false);
      });

    it('a source address that is not ours any more is given up', async ({ a, b, v4 }) => {
      a.bind(0);
      b.bind(PORT);
      const endpoint = to(v4);
      endpoint.source.set(address(FOREIGN).bytes);
      endpoint.hasSource = true;
      assert.equal(a.send(Uint8Array.of(1), 0, 1, endpoint, 2), true);
      assert.equal(endpoint.hasSource, false);
      assert.equal((await next(b)).source.ecn, seen(2));
    });

    it('the largest datagram crosses, and one that does not fit is said to be truncated', async ({ a, b, v4 }) => {
      a.bind(0);
      b.bind(PORT);
      const large = new Uint8Array(LARGEST).fill(7);
      assert.equal(a.send(large, 0, LARGEST, to(v4), 0), true);
      assert.deepEqual((await next(b)).bytes, large);
      a.send(large, 0, 100, to(v4), 0);
      const truncated = await next(b, 99);
      assert.deepEqual([truncated.bytes.length, truncated.source.truncated], [99, true]);
    });

    it('the port can be changed, and after unbind nothing arrives', async ({ a, b, v4 }) => {
      a.bind(0);
      b.bind(PORT);
      b.bind(PORT + 1);
      assert.equal(b.port, PORT + 1);
      a.send(Uint8Array.of(1), 0, 1, to(v4), 0);
      a.send(Uint8Array.of(2), 0, 1, to(v4, PORT + 1), 0);
      assert.deepEqual([...(await next(b)).bytes], [2]);
      b.unbind();
      assert.equal(b.port, 0);
      a.send(Uint8Array.of(3), 0, 1, to(v4, PORT + 1), 0);
      assert.equal(b.receive(new Uint8Array(9), 0, createSource()), -1);
    });

    it('the listener is called once for each rearm, also for what was there before', async ({ a, b, v4 }) => {
      let calls = 0;
      b.onReadable(() => calls++);
      a.bind(0);
      b.bind(PORT);
      a.send(Uint8Array.of(1), 0, 1, to(v4), 0);
      await waitFor('the first call', () => calls === 1);
      await next(b);
      // Over the same family: the socket of the other is still armed, and would call by itself.
      a.send(Uint8Array.of(2), 0, 1, to(v4), 0);
      b.rearm();
      await waitFor('the second call', () => calls === 2);
      assert.deepEqual([...(await next(b)).bytes], [2]);
      assert.equal(calls, 2);
    });
  });
}

function createSource(): DatagramSource {
  return { from: new Endpoint(), ecn: 0, truncated: false };
}

function address(text: string): IpAddress {
  return parseAddress(text)!;
}

function to(text: string, port = PORT): Endpoint {
  return Endpoint.from(address(text), port);
}

async function next(udp: Udp, room = 70_000): Promise<{ bytes: Uint8Array; source: DatagramSource }> {
  const buffer = new Uint8Array(room);
  const source = createSource();
  const length = await waitFor('a datagram arrives', () => {
    const length = udp.receive(buffer, 0, source);
    return length >= 0 ? { length } : undefined;
  });
  return { bytes: buffer.slice(0, length.length), source };
}
