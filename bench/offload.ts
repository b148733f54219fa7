/**
 * `node bench/offload.ts` (bun, deno run): what the offload costs per packet of 1,420 bytes, in nanoseconds, with each kernel.
 * The best of many short rounds: other work on the machine makes rounds longer, never shorter.
 */
import { Coalescer, createWritePlan } from '../src/offload/coalesce.ts';
import { createGsoPlan, planSegments } from '../src/offload/gso.ts';
import type { Offload } from '../src/offload/kernel.ts';
import { finishScattered } from '../src/offload/split.ts';
import { createJavascriptOffload, createWasmOffload } from '../src/offload/wasm-kernel.ts';
import { createVirtioNetHeader, GSO_TCPV4, NEEDS_CSUM } from '../src/offload/virtio-net-header.ts';

const SLOTS = { packet: 1024, stride: 2048, room: 1900, count: 45 };
const HEADERS = 52;
const SEGMENT = 1368;
const ROUNDS = 300;

/** The headers of a packet of 45 segments: IPv4, TCP with timestamps. */
function writeHeaders({ arena: { bytes, view } }: Offload): void {
  bytes.fill(0, SLOTS.packet, SLOTS.packet + HEADERS);
  bytes[SLOTS.packet] = 0x45;
  view.setUint16(SLOTS.packet + 2, HEADERS + SEGMENT * SLOTS.count);
  bytes[SLOTS.packet + 6] = 0x40;
  bytes[SLOTS.packet + 9] = 6;
  bytes[SLOTS.packet + 32] = 0x80;
  bytes[SLOTS.packet + 33] = 0x10;
}

function nanosecondsPerPacket(work: () => void): string {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < 20; i++) work();
    best = Math.min(best, performance.now() - start);
  }
  return ((best * 1e6) / 20 / SLOTS.count).toFixed(0);
}

function measure(offload: Offload): string[] {
  const { arena, kernel } = offload;
  const header = {
    ...createVirtioNetHeader(),
    flags: NEEDS_CSUM,
    gsoType: GSO_TCPV4,
    segmentBytes: SEGMENT,
    csumStart: 20,
    csumOffset: 16,
  };
  const plan = createGsoPlan();
  const sum = nanosecondsPerPacket(() => {
    for (let slot = 0; slot < SLOTS.count; slot++) kernel.sum(SLOTS.packet + slot * SLOTS.stride, 1400);
  });
  const split = nanosecondsPerPacket(() => {
    writeHeaders(offload);
    const length = HEADERS + SEGMENT * SLOTS.count;
    const refusal = planSegments(arena, header, SLOTS.packet, HEADERS + SEGMENT, length, SLOTS.room, plan);
    if (refusal !== undefined) throw new Error(refusal);
    finishScattered(kernel, plan, SLOTS);
  });
  const writePlan = createWritePlan(SLOTS.count);
  const coalescer = new Coalescer({ arena, kernel, plan: writePlan, udp: true });
  const first = arena.bytes.slice(SLOTS.packet, SLOTS.packet + HEADERS);
  const coalesce = nanosecondsPerPacket(() => {
    arena.bytes.set(first, SLOTS.packet);
    coalescer.begin();
    for (let slot = 0; slot < SLOTS.count; slot++) coalescer.add(SLOTS.packet + slot * SLOTS.stride, HEADERS + SEGMENT);
    if (coalescer.finish() !== 1) throw new Error('not one write');
  });
  return [kernel.name, sum, split, coalesce];
}

const offloads = [createJavascriptOffload(200_000), createWasmOffload(200_000)];
console.log(['kernel', 'sum', 'split', 'coalesce'].map((name) => name.padEnd(12)).join(''));
for (const offload of offloads) {
  if (offload === undefined) continue;
  offload.arena.bytes.fill(7);
  console.log(
    measure(offload)
      .map((cell) => cell.padEnd(12))
      .join(''),
  );
}
