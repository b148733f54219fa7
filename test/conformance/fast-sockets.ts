/**
 * The data plane's sockets on this runtime: runs of messages go out with one call where the kernel segments them, and with one
 * call where it does not; what arrives is what was sent.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { type FastLibc, loadFastLibc, SOL_UDP, UDP_GRO } from '../../runtime/linux/fast/fast-libc.ts';
import {
  createPacketMemory,
  LONGEST_IN_SLOT,
  MESSAGE,
  type PacketMemory,
} from '../../runtime/linux/fast/packet-memory.ts';
import { createUdpReceiver, type Received } from '../../runtime/linux/fast/udp-receiver.ts';
import { createUdpSender } from '../../runtime/linux/fast/udp-sender.ts';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import { AF_INET, IPPROTO_IP, SOCKADDR_IN_BYTES } from '../../runtime/linux/socket-message.ts';
import { parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { ENDPOINT_WORDS, HAS_SOURCE, SOURCE, writeEndpoint } from '../../src/plane/endpoint-words.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { inNamespace } from './in-namespace.ts';

const SOCK_DGRAM_NONBLOCK_CLOEXEC = 0x80802;
const SOL_SOCKET = 1;
/** Without UDP checksums the kernel does not segment: EINVAL, as from any that cannot. */
const SO_NO_CHECK = 11;
const IP_MTU_DISCOVER = 10;
const IP_PMTUDISC_DO = 2;
const SLOTS = 48;
const MANY = 8;
/** Smaller than the messages of one test, large enough for IPv6. */
const SMALL_MTU = 1280;

/** `file`: the file of tests that calls this. */
export function fastSocketsConformance(file: string, ffi: Ffi): void {
  inNamespace(file, [], () => defineTests(ffi));
}

interface Setting {
  level: number;
  name: number;
  value: number;
}
const REFUSING: Setting = { level: SOL_SOCKET, name: SO_NO_CHECK, value: 1 };

function defineTests(ffi: Ffi): void {
  let port = 7100;

  /** A sender and a receiver on loopback, each with slots of its own. */
  function open(settings: readonly Setting[]) {
    const calls = { sendmsg: 0, sendmmsg: 0 };
    const receiveCalls = { recvmsg: 0, recvmmsg: 0 };
    const libc = loadFastLibc(ffi);
    const counted: FastLibc = {
      ...libc,
      sendmsg: (...words) => (calls.sendmsg++, libc.sendmsg(...words)),
      sendmmsg: (...words) => (calls.sendmmsg++, libc.sendmmsg(...words)),
      recvmsg: (...words) => (receiveCalls.recvmsg++, libc.recvmsg(...words)),
      recvmmsg: (...words) => (receiveCalls.recvmmsg++, libc.recvmmsg(...words)),
    };
    const to = bindSocket(ffi, ++port, [{ level: SOL_UDP, name: UDP_GRO, value: 1 }]);
    const from = bindSocket(ffi, ++port, settings);
    const outgoing = createPacketMemory(ffi, SLOTS, { plain: false });
    const incoming = createPacketMemory(ffi, SLOTS, { plain: false, overflows: MANY });
    const sender = createUdpSender(ffi, counted, outgoing, () => from);
    const receiver = createUdpReceiver(ffi, counted, incoming);
    const endpoint = new Endpoint();
    endpoint.family = 4;
    endpoint.address.set(parseAddress('127.0.0.1')!.bytes);
    endpoint.port = port - 1;
    const words = new Int32Array(ENDPOINT_WORDS);
    writeEndpoint(words, 0, endpoint);
    const received: Uint8Array[] = [];
    const take = (): void => {
      while (receiver.receive(to)) {
        do received.push(...datagramsOf(incoming, receiver.received));
        while (receiver.next());
      }
    };
    return {
      calls,
      receiveCalls,
      sender,
      words,
      put: (lengths: readonly number[]) => lengths.map((length, slot) => fillSlot(outgoing, slot, length)),
      waitForDatagrams: async (count: number): Promise<readonly Uint8Array[]> => {
        await waitFor(`${count} datagrams`, () => {
          take();
          return received.length >= count;
        });
        return received;
      },
      close: () => [to, from].map((fd) => loadLibc(ffi).close(fd)),
    };
  }

  for (const [name, settings, expected] of [
    ['one call of a kernel that segments', [], { sendmsg: 1, sendmmsg: 0 }],
    ['one call for many messages where the kernel does not segment', [REFUSING], { sendmsg: 1, sendmmsg: 1 }],
  ] as const) {
    test(`a run goes out with ${name}, and arrives as it was`, async () => {
      const { calls, sender, words, put, waitForDatagrams, close } = open(settings);
      sender.aim(words, 0);
      const messages = put([...Array<number>(40).fill(1200), 300]);
      assert.equal(sender.send(0, messages.length, 1200, 300), 40 * 1200 + 300);
      assert.deepEqual(calls, expected);
      assert.deepEqual(await waitForDatagrams(messages.length), messages);
      close();
    });
  }

  test('a single message is one plain call', async () => {
    const { calls, sender, words, put, waitForDatagrams, close } = open([]);
    sender.aim(words, 0);
    const messages = put([148]);
    assert.equal(sender.send(0, 1, 148, 148), 148);
    assert.deepEqual(calls, { sendmsg: 1, sendmmsg: 0 });
    assert.deepEqual(await waitForDatagrams(1), messages);
    close();
  });

  test('single messages are taken many at a time, and merged and long ones among them arrive as they were', async () => {
    const { receiveCalls, sender, words, put, waitForDatagrams, close } = open([]);
    sender.aim(words, 0);
    const sent: Uint8Array[] = [];
    const send = (messages: readonly Uint8Array[], last = messages.at(-1)!.length): void => {
      assert.equal(sender.send(0, messages.length, messages[0]!.length, last), sum(messages));
      sent.push(...messages);
    };
    for (const length of [32, 148, 92]) send(put([length]));
    await waitForDatagrams(3);
    assert.equal(receiveCalls.recvmmsg > 0, true);
    for (let length = 100; length < 110; length++) send(put([length]));
    send(put([700, 700, 700, 20]));
    for (const length of [1000, LONGEST_IN_SLOT, 0, 60]) send(put([length]), length);
    send(put([900, 900, 900]));
    for (const length of [50, 51, 52, 53]) send(put([length]));
    assert.deepEqual(await waitForDatagrams(sent.length), sent);
    close();
  });

  test('a source that is not ours any more is given up, and nothing of the run is lost', async () => {
    const { sender, words, put, waitForDatagrams, close } = open([REFUSING]);
    words[HAS_SOURCE] = 1;
    words[SOURCE] = new Int32Array(Uint8Array.of(192, 0, 2, 77).buffer)[0]!;
    sender.aim(words, 0);
    const messages = put([500, 500, 500, 100]);
    assert.equal(sender.send(0, messages.length, 500, 100), 1600);
    assert.ok(sender.hasLostSource);
    assert.deepEqual(await waitForDatagrams(messages.length), messages);
    close();
  });

  test('messages that the kernel does not take are passed over, and counted as not sent', async () => {
    execFileSync('ip', ['link', 'set', 'lo', 'mtu', `${SMALL_MTU}`]);
    const { sender, words, put, waitForDatagrams, close } = open([
      { level: IPPROTO_IP, name: IP_MTU_DISCOVER, value: IP_PMTUDISC_DO },
    ]);
    sender.aim(words, 0);
    const messages = put([1400, 1400, 1400, 200]);
    assert.equal(sender.send(0, messages.length, 1400, 200), 200);
    assert.deepEqual(await waitForDatagrams(1), messages.slice(-1));
    close();
  });
}

function sum(messages: readonly Uint8Array[]): number {
  return messages.reduce((bytes, { length }) => bytes + length, 0);
}

function fillSlot({ arena, wire }: PacketMemory, slot: number, length: number): Uint8Array {
  const message = Uint8Array.from({ length }, (_, i) => (i * 7 + slot) & 0xff);
  arena.bytes.set(message, wire.at[slot]! + MESSAGE);
  return message;
}

function datagramsOf({ arena, wire, linear }: PacketMemory, received: Received): Uint8Array[] {
  return Array.from({ length: received.messages }, (_, index) => {
    const at = received.inSlots
      ? wire.at[received.firstSlot + index]! + MESSAGE
      : linear + index * received.messageBytes;
    const length = index === received.messages - 1 ? received.lastBytes : received.messageBytes;
    return arena.bytes.slice(at, at + length);
  });
}

function bindSocket(ffi: Ffi, port: number, settings: readonly Setting[]): number {
  const libc = loadLibc(ffi);
  const scratch = new Memory(ffi, SOCKADDR_IN_BYTES);
  const fd = libc.socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  assert.ok(fd >= 0);
  for (const { level, name, value } of settings) {
    scratch.view.setInt32(0, value, true);
    assert.equal(libc.setsockopt(fd, level, name, scratch.at(0), 4), 0, `option ${name}: errno ${ffi.errno()}`);
  }
  scratch.bytes.fill(0);
  scratch.view.setUint16(0, AF_INET, true);
  scratch.view.setUint16(2, port);
  assert.equal(libc.bind(fd, scratch.at(0), SOCKADDR_IN_BYTES), 0, `port ${port}: errno ${ffi.errno()}`);
  return fd;
}
