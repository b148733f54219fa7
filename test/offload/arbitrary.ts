/** Arbitrary packets for property tests. */
import * as fc from 'fast-check';
import { ACK, buildPacket, CWR, ECE, FIN, PSH, type PacketFields } from './packets.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const byte = fc.nat(255);

/** Up to 40 bytes, a multiple of 4. */
const options = fc
  .uint8Array({ maxLength: 10 })
  .map((words) => Uint8Array.from([...words].flatMap((w) => [w, 1, w, 0])));

/** Fast enough to make thousands of bytes: a pattern of a seed. */
export function payload(minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.integer({ min: minLength, max: maxLength }), fc.nat(0xffff)).map(([length, seed]) => {
    let state = seed;
    return Uint8Array.from({ length }, () => (state = (state * 75 + 74) % 65_537) & 0xff);
  });
}

export interface PacketLimits {
  maxPayload?: number;
}

export function anyFields({ maxPayload = 1400 }: PacketLimits = {}): fc.Arbitrary<PacketFields> {
  return fc.record({
    family: fc.constantFrom<4 | 6>(4, 6),
    protocol: fc.constantFrom<'tcp' | 'udp'>('tcp', 'udp'),
    source: byte,
    destination: byte,
    sourcePort: port,
    destinationPort: port,
    payload: payload(1, maxPayload),
    ttl: byte,
    tos: byte,
    flowLabel: fc.nat(0xfffff),
    identification: fc.nat(0xffff),
    dontFragment: fc.boolean(),
    sequence: fc.nat(0xffff_ffff),
    acknowledgment: fc.nat(0xffff_ffff),
    flags: fc.subarray([ACK, PSH, FIN, ECE, CWR]).map((flags) => flags.reduce((sum, flag) => sum | flag, ACK)),
    window: fc.nat(0xffff),
    urgent: fc.constantFrom(0, 1),
    options,
    ipOptions: fc.oneof({ weight: 4, arbitrary: fc.constant(new Uint8Array(0)) }, options),
  });
}

export function anyPacket(limits?: PacketLimits): fc.Arbitrary<Uint8Array> {
  return anyFields(limits).map(buildPacket);
}
