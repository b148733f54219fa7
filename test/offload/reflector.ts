/**
 * A TUN with virtio headers whose far end is the near one: what the kernel sends to 10.9.0.2 or fd09::2 comes back from
 * there to 10.9.0.1 or fd09::1, split on the way out and coalesced on the way in. Swapped addresses change no checksum.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { setImmediate } from 'node:timers/promises';
import { Memory } from '../../runtime/linux/memory.ts';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { Coalescer, createWritePlan } from '../../src/offload/coalesce.ts';
import { IOVEC_BYTES, writeIovecs } from '../../src/offload/iovec.ts';
import { createOffload } from '../../src/offload/wasm-kernel.ts';
import { createScatter } from '../../src/offload/split.ts';
import { VIRTIO_NET_HEADER_BYTES } from '../../src/offload/virtio-net-header.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { ARENA_BYTES, SLOTS, SPILL } from './arena.ts';
import { fillSlots, split } from './tun.ts';

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TUN_NO_PI_VNET_HDR = 0x5001;
const CSUM_TSO4_TSO6_ECN = 0x0f;
const USO4_USO6 = 0x60;
const O_RDWR_NONBLOCK = 0x802;
const MOST_PACKETS = 256;
/** Of one read: 65,535 bytes in segments of this path's MTU. */
const MOST_SEGMENTS = 60;
const STRIDE = 2048;
/** Last byte of 10.9.0.2 and fd09::2. */
const FAR_END = 2;

export interface Reflector {
  /** What went by, in packets; `reads` and `writes` are system calls. */
  readonly counts: { reads: number; split: number; packets: number; writes: number; refused: number };
  /** Whether the kernel takes UDP_L4. */
  readonly udp: boolean;
  close(): Promise<void>;
}

export async function openReflector(ffi: Ffi, name: string): Promise<Reflector> {
  const libc = ffi.load('libc.so.6', {
    open: ['i', 'pi'],
    close: ['i', 'i'],
    ioctl: ['i', 'izp'],
    readv: ['i', 'ipi'],
    writev: ['i', 'ipi'],
  });
  const request = new Memory(ffi, 64);
  request.setText(0, '/dev/net/tun');
  const fd = libc.open(request.at(0), O_RDWR_NONBLOCK);
  assert.ok(fd >= 0, `/dev/net/tun: errno ${ffi.errno()}`);
  request.bytes.fill(0);
  request.setText(0, name);
  request.view.setUint16(16, IFF_TUN_NO_PI_VNET_HDR, true);
  assert.equal(libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)), 0, `TUNSETIFF: errno ${ffi.errno()}`);
  const takes = (flags: number) => libc.ioctl(fd, ffi.size(TUNSETOFFLOAD), ffi.handle(flags)) === 0;
  const udp = takes(CSUM_TSO4_TSO6_ECN | USO4_USO6);
  if (!udp) assert.ok(takes(CSUM_TSO4_TSO6_ECN), `TUNSETOFFLOAD: errno ${ffi.errno()}`);
  for (const args of [
    ['address', 'add', '10.9.0.1/24', 'dev', name],
    ['address', 'add', 'fd09::1/64', 'dev', name, 'nodad'],
    ['link', 'set', name, 'mtu', '1420', 'up'],
  ])
    execFileSync('ip', args);
  // A worker of the kernel's makes the address its own, later than the interface is up. Until then what comes for it is forwarded, to nobody.
  await waitFor('the IPv6 address is local', () =>
    execFileSync('ip', ['-6', 'route', 'get', 'fd09::1'], { encoding: 'utf8' }).startsWith('local '),
  );

  const outbound = createOffload(ARENA_BYTES);
  const scatter = createScatter(outbound.arena, SLOTS, SPILL);
  const inbound = createOffload((MOST_PACKETS + 1) * STRIDE);
  const inboundSlots = { packet: 64, stride: STRIDE, room: STRIDE - 64, count: MOST_PACKETS };
  const plan = createWritePlan(MOST_PACKETS);
  const coalescer = new Coalescer({ ...inbound, plan, udp });
  const iovecs = new Memory(ffi, MOST_PACKETS * IOVEC_BYTES);
  const iovecArena = { ...inbound.arena, u32: new Uint32Array(iovecs.bytes.buffer) };
  const outboundBase = ffi.address(outbound.arena.bytes);
  const inboundBase = ffi.address(inbound.arena.bytes);
  const counts = { reads: 0, split: 0, packets: 0, writes: 0, refused: 0 };

  /** One read; its packets, or none when there is nothing to read. */
  function read(): Uint8Array[] {
    const entries = scatter.entries.length / 2;
    writeIovecs(iovecArena, scatter.entries, 0, entries, 0, outboundBase);
    const length = libc.readv(fd, iovecs.at(0), entries);
    if (length <= VIRTIO_NET_HEADER_BYTES) return [];
    counts.reads++;
    const { packets, refusal } = split(outbound, scatter, length - VIRTIO_NET_HEADER_BYTES);
    if (refusal !== undefined) counts.refused++;
    if (packets.length > 1) counts.split++;
    return packets;
  }

  /** False for what is not for the far end, such as the kernel's router solicitations. */
  function reflect(packet: Uint8Array): boolean {
    const [at, bytes] = packet[0]! >>> 4 === 4 ? [12, 4] : [8, 16];
    if (packet[at + bytes] === 0xff || packet[at + 2 * bytes - 1] !== FAR_END) return false;
    const source = packet.slice(at, at + bytes);
    packet.copyWithin(at, at + bytes, at + 2 * bytes);
    packet.set(source, at + bytes);
    return true;
  }

  function write(packets: readonly Uint8Array[]): void {
    counts.packets += packets.length;
    coalescer.begin();
    const offsets = fillSlots(inbound.arena, inboundSlots, packets);
    for (const [i, packet] of packets.entries()) coalescer.add(offsets[i]!, packet.length);
    coalescer.finish();
    assert.equal(coalescer.refused, 0);
    counts.writes += plan.writes;
    writeIovecs(iovecArena, plan.entries, 0, plan.ends[plan.writes - 1]!, 0, inboundBase);
    for (let i = 0; i < plan.writes; i++) {
      const first = i === 0 ? 0 : plan.ends[i - 1]!;
      const written = libc.writev(fd, iovecs.at(first * IOVEC_BYTES), plan.ends[i]! - first);
      assert.ok(written > 0, `the kernel takes write ${i}: errno ${ffi.errno()}`);
    }
  }

  const closing = new AbortController();
  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const batch: Uint8Array[] = [];
      while (batch.length + MOST_SEGMENTS <= MOST_PACKETS) {
        const packets = read();
        if (packets.length === 0) break;
        batch.push(...packets.filter(reflect));
      }
      if (batch.length > 0) write(batch);
      await setImmediate();
    }
    libc.close(fd);
  }
  const done = run();
  return {
    counts,
    udp,
    close() {
      closing.abort();
      return done;
    },
  };
}
