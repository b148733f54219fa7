/** A persistent TUN, which keeps what was set on it, from one program that uses it to the next. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { describe, test } from 'node:test';
import { setOffloads } from '../../runtime/linux/fast/tun-offload.ts';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { loadLibc } from '../../runtime/linux/libc.ts';
import { IFNAME_BYTES, IFREQ_BYTES } from '../../runtime/linux/link.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import type { Poller } from '../../runtime/linux/poller.ts';
import { adoptTun, createTun, createVirtioTun } from '../../runtime/linux/tun.ts';
import { silentLog } from '../../src/log.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { onesComplementSum } from '../offload/packets.ts';

const NAME = 'kept0';
const LOCAL = '10.2.2.1';
const REMOTE = '10.2.2.2';
const PORT = 9999;
const UDP = 17;
const IPV4_HEADER = 20;
const LARGEST_PACKET = 65_535;

const O_RDWR_NONBLOCK = 0x802;
const TUNSETIFF = 0x400454ca;
const TUNGETVNETHDRSZ = 0x800454d7;
const TUNSETVNETHDRSZ = 0x400454d8;
const PLAIN = 0x1001; // IFF_TUN | IFF_NO_PI
const VIRTIO = PLAIN | 0x4000; // IFF_VNET_HDR

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

export function persistentTunConformance(ffi: Ffi, poller: Poller): void {
  const libc = loadLibc(ffi);

  /** As any other program opens it: nothing is set but the mode. */
  function openAsOthersDo(flags: number): number {
    const request = new Memory(ffi, IFREQ_BYTES);
    request.setText(0, '/dev/net/tun');
    const fd = libc.open(request.at(0), O_RDWR_NONBLOCK);
    assert.ok(fd >= 0);
    request.bytes.fill(0);
    request.setText(0, NAME);
    request.view.setUint16(IFNAME_BYTES, flags, true);
    assert.equal(libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)), 0);
    return fd;
  }

  /** The first datagram that the kernel gives to the one who reads. `read` returns -1 when there is nothing now. */
  async function sentDatagram(read: (buffer: Uint8Array) => number): Promise<Uint8Array> {
    ip('link', 'set', NAME, 'up');
    ip('address', 'replace', `${LOCAL}/24`, 'dev', NAME);
    const socket = createSocket('udp4');
    socket.send(new Uint8Array(100).fill(7), PORT, REMOTE);
    const buffer = new Uint8Array(LARGEST_PACKET);
    let packet: Uint8Array | undefined;
    await waitFor('the datagram is there', () => {
      for (let length = read(buffer); length >= 0 && packet === undefined; length = read(buffer))
        if (buffer[0]! >>> 4 === 4 && buffer[9] === UDP) packet = buffer.slice(0, length);
      return packet !== undefined;
    });
    socket.close();
    return packet!; // it is there
  }

  function hasRightChecksum(packet: Uint8Array): boolean {
    const udp = packet.subarray(IPV4_HEADER);
    const pseudoHeader = [...packet.subarray(12, 20), 0, UDP, udp.length >>> 8, udp.length & 0xff];
    return onesComplementSum(Uint8Array.from([...pseudoHeader, ...udp])) === 0xffff;
  }

  async function readsAsOthersDo(): Promise<Uint8Array> {
    const fd = openAsOthersDo(PLAIN);
    const memory = new Memory(ffi, LARGEST_PACKET);
    const packet = await sentDatagram((buffer) => {
      const length = libc.read(fd, memory.at(0), ffi.size(LARGEST_PACKET));
      if (length > 0) buffer.set(memory.bytes.subarray(0, length));
      return length;
    });
    libc.close(fd);
    return packet;
  }

  function leaveOffloads(): void {
    const fd = openAsOthersDo(VIRTIO);
    setOffloads(ffi, fd);
    libc.close(fd);
  }

  /** `use` has a persistent interface of this name. */
  async function withPersistentTun(use: () => Promise<void>): Promise<void> {
    ip('tuntap', 'add', 'mode', 'tun', 'name', NAME);
    try {
      await use();
    } finally {
      ip('link', 'delete', NAME);
    }
  }

  describe('a persistent TUN', () => {
    test('with the offloads of one that was killed would give others half a checksum', () =>
      withPersistentTun(async () => {
        leaveOffloads();
        assert.equal(hasRightChecksum(await readsAsOthersDo()), false);
      }));

    test('whose last user left its offloads behind gives whole packets to the one that opens or adopts it', () =>
      withPersistentTun(async () => {
        for (const open of [() => createTun(ffi, poller, NAME), () => adoptTun(ffi, poller, openAsOthersDo(PLAIN))]) {
          leaveOffloads();
          const tun = open();
          assert.equal(hasRightChecksum(await sentDatagram((buffer) => tun.read(buffer, 0))), true);
          await tun.close();
        }
      }));

    test('that had large packets here has none for whoever comes next', () =>
      withPersistentTun(async () => {
        const { tun, fd } = createVirtioTun(ffi, poller, NAME, silentLog);
        setOffloads(ffi, fd);
        await tun.close();
        assert.equal(hasRightChecksum(await readsAsOthersDo()), true);
      }));

    test('has the header that we read, whatever the last one asked for', () =>
      withPersistentTun(async () => {
        const size = new Memory(ffi, 4);
        size.view.setInt32(0, 12, true);
        const other = openAsOthersDo(VIRTIO);
        assert.equal(libc.ioctl(other, ffi.size(TUNSETVNETHDRSZ), size.at(0)), 0);
        libc.close(other);
        const { tun, fd } = createVirtioTun(ffi, poller, NAME, silentLog);
        assert.equal(libc.ioctl(fd, ffi.size(TUNGETVNETHDRSZ), size.at(0)), 0);
        assert.equal(size.view.getInt32(0, true), 10);
        await tun.close();
      }));
  });
}
