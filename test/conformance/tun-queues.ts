/** Several queues of one TUN: the kernel keeps each flow in its own, and where there can be only one there is one. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { openTunQueues } from '../../runtime/linux/fast/tun-queues.ts';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import type { Watches } from '../../runtime/linux/poller.ts';
import { createTun } from '../../runtime/linux/tun.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../src/offload/virtio-net-header.ts';
import { waitFor } from '../interop/lab/wait.ts';

const NAME = 'several0';
const LOCAL = '10.3.3.1';
const REMOTE = '10.3.3.2';
const REMOTE_PORT = 9;
const QUEUES = 3;
/** So many that they are in one queue once in 10^14 times. */
const FLOWS = 32;
const IP = VIRTIO_NET_HEADER_BYTES;
const UDP = IP + 20;

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });
/** Its MTU, and what its TUN does, queues and headers among it. */
const describeLink = () => String(ip('-details', '-oneline', 'link', 'show', NAME));

export function tunQueuesConformance(ffi: Ffi, poller: Watches): void {
  const libc = loadLibc(ffi);
  const packet = new Memory(ffi, 2000);

  /** Every datagram of ours that waits in a queue. */
  function* readAll(fd: number): Generator<{ port: number; length: number }> {
    for (;;) {
      const length = libc.read(fd, packet.at(0), ffi.size(packet.bytes.length));
      if (length < 0) return;
      const { view } = packet;
      const isOurs = view.getUint8(IP) === 0x45 && view.getUint16(UDP + 2) === REMOTE_PORT;
      if (isOurs) yield { port: view.getUint16(UDP), length };
    }
  }

  /** Addresses and ports the other way round: the checksums stay what they are. */
  function answerWith(fd: number, length: number): void {
    const { bytes } = packet;
    const answer = new Memory(ffi, length);
    answer.bytes.set(bytes.subarray(0, length));
    answer.bytes.set(bytes.subarray(IP + 16, IP + 20), IP + 12);
    answer.bytes.set(bytes.subarray(IP + 12, IP + 16), IP + 16);
    answer.bytes.set(bytes.subarray(UDP + 2, UDP + 4), UDP);
    answer.bytes.set(bytes.subarray(UDP, UDP + 2), UDP + 2);
    assert.equal(libc.write(fd, answer.at(0), ffi.size(length)), length);
  }

  describe('several queues of a TUN', () => {
    test('a flow stays in its queue, whatever is written of it', async () => {
      const { tun, readFds, writeFd, close } = openTunQueues(ffi, poller, NAME, silentLog, QUEUES);
      assert.equal(tun.name, NAME);
      assert.equal(new Set([...readFds, writeFd]).size, QUEUES + 1);
      ip('link', 'set', NAME, 'up');
      ip('address', 'add', `${LOCAL}/24`, 'dev', NAME);
      const sockets = await Promise.all(Array.from({ length: FLOWS }, openSocket));
      let answers = 0;
      for (const socket of sockets) socket.on('message', () => answers++);

      /** In which queue each flow is, by its port; all of them are answered. */
      async function send(): Promise<Map<number, number>> {
        const found = new Map<number, number>();
        const before = answers;
        for (const socket of sockets) socket.send('x', REMOTE_PORT, REMOTE);
        await waitFor('all of them are there', () => {
          for (const [queue, fd] of readFds.entries())
            for (const { port, length } of readAll(fd)) {
              found.set(port, queue);
              answerWith(writeFd, length);
            }
          return found.size === FLOWS;
        });
        await waitFor('all are answered', () => answers === before + FLOWS);
        return found;
      }

      const first = await send();
      assert.ok(new Set(first.values()).size > 1, 'they are spread');
      for (let round = 0; round < 3; round++) assert.deepEqual(sorted(await send()), sorted(first));
      assert.deepEqual([...readAll(writeFd)], [], 'nothing is to be read where all is written');
      for (const socket of sockets) socket.close();
      await close();
      await waitFor('it is gone with its descriptors', () => !ip('-oneline', 'link').includes(NAME));
    });

    test('an interface with one queue for good gives one, and the log says so', async () => {
      ip('tuntap', 'add', 'dev', NAME, 'mode', 'tun');
      const warnings: string[] = [];
      const log: Log = { ...silentLog, warn: (_fields, message) => void warnings.push(message) };
      const { readFds, writeFd, close } = openTunQueues(ffi, poller, NAME, log, QUEUES);
      assert.deepEqual(readFds, [writeFd]);
      assert.deepEqual(warnings, ['one pair of workers: the interface has one queue only']);
      await close();
      ip('tuntap', 'delete', 'dev', NAME, 'mode', 'tun');
    });

    test('an interface with several queues is not shared with whoever comes later', async () => {
      const first = openTunQueues(ffi, poller, NAME, silentLog, QUEUES);
      ip('link', 'set', NAME, 'mtu', '1300');
      const found = describeLink();
      for (const count of [1, QUEUES])
        assert.throws(() => openTunQueues(ffi, poller, NAME, silentLog, count), /several0: in use already/);
      assert.throws(() => createTun(ffi, poller, NAME), /several0: in use already/);
      assert.match(found, / mtu 1300 /);
      assert.equal(describeLink(), found);
      await first.close();
    });

    test('a persistent interface with several queues is also opened for one', async () => {
      ip('tuntap', 'add', 'dev', NAME, 'mode', 'tun', 'multi_queue');
      const one = openTunQueues(ffi, poller, NAME, silentLog, 1);
      assert.deepEqual(one.readFds, [one.writeFd]);
      await one.close();
      await createTun(ffi, poller, NAME).close();
      const several = openTunQueues(ffi, poller, NAME, silentLog, QUEUES);
      assert.equal(several.readFds.length, QUEUES);
      await several.close();
      ip('tuntap', 'delete', 'dev', NAME, 'mode', 'tun', 'multi_queue');
    });
  });
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind();
  await once(socket, 'listening');
  return socket;
}

function sorted(queues: ReadonlyMap<number, number>): Map<number, number> {
  return new Map([...queues].toSorted(([a], [b]) => a - b));
}
