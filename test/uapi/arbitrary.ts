/** Arbitrary changes and states for the property tests of the UAPI. */
import * as fc from 'fast-check';
import type { AllowedIpChange, PeerChange, PeerState } from '../../src/device/contract.ts';
import { cidr, maskCidr, type Cidr } from '../../src/ip.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../../src/keys.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import type { TunnelChange, TunnelState } from '../../src/tunnel/state.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const privateKey = key.filter((bytes) => bytes.some((byte) => byte !== 0)) as fc.Arbitrary<PrivateKey>;
const publicKey = key as fc.Arbitrary<PublicKey>;
const presharedKey = key as fc.Arbitrary<PresharedKey>;

const address = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => ({ family: 4 as const, bytes })),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ({ family: 6 as const, bytes })),
);
const prefix: fc.Arbitrary<Cidr> = fc
  .tuple(address, fc.nat(128))
  .map(([ip, length]) => maskCidr(cidr(ip, Math.min(length, 8 * ip.bytes.length))));
const endpoint = fc.tuple(address, fc.nat(65_535)).map(([ip, port]) => Endpoint.from(ip, port));
const yes = fc.constant(true);

const allowedIp: fc.Arbitrary<AllowedIpChange> = fc.record(
  { cidr: prefix, remove: yes },
  { noNullPrototype: true, requiredKeys: ['cidr'] },
);
const peerChange: fc.Arbitrary<PeerChange> = fc.record(
  {
    publicKey,
    remove: yes,
    updateOnly: yes,
    presharedKey,
    endpoint,
    persistentKeepalive: fc.nat(65_535),
    replaceAllowedIps: yes,
    allowedIps: fc.array(allowedIp),
  },
  { noNullPrototype: true, requiredKeys: ['publicKey'] },
);

export const arbitraryChange: fc.Arbitrary<TunnelChange> = fc.record(
  {
    privateKey: fc.option(privateKey),
    listenPort: fc.nat(65_535),
    fwmark: fc.nat(0xffff_ffff),
    replacePeers: yes,
    peers: fc.array(peerChange),
  },
  { noNullPrototype: true, requiredKeys: ['peers'] },
);

const peerState: fc.Arbitrary<PeerState> = fc.record(
  {
    publicKey,
    presharedKey,
    endpoint: fc.option(endpoint, { nil: undefined }),
    latestHandshakeMs: fc.nat(2 ** 41),
    rxBytes: fc.maxSafeNat(),
    txBytes: fc.maxSafeNat(),
    persistentKeepalive: fc.nat(65_535),
    allowedIps: fc.array(prefix),
  },
  { noNullPrototype: true },
);

/** States as a client sees them: no drops, and a public key that is not told. */
export const arbitraryState: fc.Arbitrary<TunnelState> = fc.record(
  {
    privateKey: fc.option(privateKey, { nil: undefined }),
    publicKey: fc.constant(undefined),
    listenPort: fc.nat(65_535),
    fwmark: fc.nat(0xffff_ffff),
    peers: fc.array(peerState),
    drops: fc.constant({}),
  },
  { noNullPrototype: true },
);
