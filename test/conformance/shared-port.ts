/** Several sockets on one UDP port, for as many threads: who gets what, and whom the port belongs to. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Ffi, FfiFunction, FfiLibrary, FfiSignature, Handle } from '../../runtime/linux/ffi.ts';
import { EADDRINUSE, loadLibc } from '../../runtime/linux/libc.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import type { Watches } from '../../runtime/linux/poller.ts';
import { AF_INET } from '../../runtime/linux/socket-message.ts';
import { LinuxUdp } from '../../runtime/linux/udp.ts';
import { waitFor } from '../interop/lab/wait.ts';

const COUNT = 3;
/** So many that one socket gets them all once in 10^14 times. */
const SENDERS = 32;
const EACH = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_REUSEPORT = 15;

export function sharedPortConformance(ffi: Ffi, poller: Watches): void {
  const libc = loadLibc(ffi);
  const data = new Memory(ffi, 16);

  /** The first byte of each datagram that a socket has. */
  function receiveAll(fd: number): number[] {
    const received: number[] = [];
    while (libc.recv(fd, data.at(0), ffi.size(16), 0) > 0) received.push(data.bytes[0]!);
    return received;
  }

  describe('several sockets on one port', () => {
    for (const [family, type, address] of [
      ['v4', 'udp4', '127.0.0.1'],
      ['v6', 'udp6', '::1'],
    ] as const)
      test(`what comes from one address and port comes to one of them: ${family}`, async () => {
        const udp = new LinuxUdp(ffi, poller, { count: COUNT });
        udp.bind(0);
        const sockets = udp.descriptors.map((pair) => pair[family]);
        assert.equal(new Set(sockets).size, COUNT);
        for (let sender = 0; sender < SENDERS; sender++) {
          const socket = createSocket(type);
          const send = () =>
            new Promise<void>((resolve) => socket.send(Uint8Array.of(sender), udp.port, address, () => resolve()));
          for (let i = 0; i < EACH; i++) await send();
          socket.close();
        }
        const received = sockets.map((): number[] => []);
        await waitFor('all of them are there', () => {
          for (const [i, fd] of sockets.entries()) received[i]!.push(...receiveAll(fd));
          return received.flat().length === SENDERS * EACH;
        });
        for (let sender = 0; sender < SENDERS; sender++)
          assert.equal(received.filter((those) => those.includes(sender)).length, 1, `sender ${sender}`);
        assert.ok(received.filter((those) => those.length > 0).length > 1, 'they are spread');
        await udp.close();
      });

    test('a port that another tunnel has is refused, however many sockets either wants, and nothing is left open', async () => {
      const [a, b] = [new LinuxUdp(ffi, poller, { count: 2 }), new LinuxUdp(ffi, poller, { count: 2 })];
      a.bind(0);
      const descriptors = () => readdirSync('/proc/self/fd').length;
      const before = descriptors();
      assert.throws(() => b.bind(a.port), /port in use already/);
      assert.equal(descriptors(), before);
      const [port, old] = [a.port, a.descriptors];
      a.bind(0);
      assert.equal(a.descriptors.length, 2);
      assert.notEqual(a.port, port);
      assert.deepEqual(
        a.descriptors.filter(({ v4 }) => old.some((pair) => pair.v4 === v4)),
        [],
      );
      assert.equal(descriptors(), before, 'those of the former port are closed');
      b.bind(port); // it is free
      await Promise.all([a.close(), b.close()]);
    });

    test('where a port cannot be shared there is one socket of each family, and it is said why', async () => {
      const errors: string[] = [];
      const onNotShared = (error: unknown) => errors.push(String(error));
      const udp = new LinuxUdp(withoutSharing(ffi), poller, { count: COUNT, onNotShared });
      udp.bind(0);
      assert.equal(udp.descriptors.length, 1);
      assert.match(errors.join(), /cannot share a UDP port/);
      await udp.close();
    });

    test('the port of one socket is open to nobody else, though more were tried', async () => {
      let left = Infinity;
      const udp = new LinuxUdp(
        replace(ffi, 'socket', (real, ...args) => (left-- > 0 ? real(...args) : -1)),
        poller,
        { count: COUNT },
      );
      left = 2; // the first of each family
      udp.bind(0);
      assert.equal(udp.descriptors.length, 1);
      const other = libc.socket(AF_INET, SOCK_DGRAM, 0);
      data.bytes.fill(0);
      data.view.setUint32(0, 1, true);
      assert.equal(libc.setsockopt(other, SOL_SOCKET, SO_REUSEPORT, data.at(0), 4), 0);
      data.view.setUint16(0, AF_INET, true);
      data.view.setUint16(2, udp.port);
      assert.equal(libc.bind(other, data.at(0), 16), -1);
      assert.equal(ffi.errno(), EADDRINUSE);
      libc.close(other);
      await udp.close();
    });
  });
}

/** An old kernel. */
function withoutSharing(real: Ffi): Ffi {
  return replace(real, 'setsockopt', (setsockopt, ...args) => (args[2] === SO_REUSEPORT ? -1 : setsockopt(...args)));
}

/** With another function of this name, which is given the real one. */
function replace(real: Ffi, name: string, by: (real: FfiFunction, ...args: readonly Handle[]) => number): Ffi {
  return {
    ...real,
    load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>): FfiLibrary<Names> {
      const loaded = real.load(library, symbols);
      if (!(name in loaded)) return loaded;
      const found = loaded[name as Names]; // it is in there
      const replacement: FfiFunction = (...args) => by(found, ...args);
      return { ...loaded, [name]: replacement };
    },
  };
}
