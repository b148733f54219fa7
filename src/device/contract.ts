/**
 * What goes into a Device and what comes out of it. The Device is sans-IO: it never reads a clock, a socket or a
 * random source that was not handed to it.
 */
import type { Cidr } from '../ip.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../keys.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import type { Peer } from '../peer/peer.ts';

/** Bytes that must be free before a packet handed to `handlePacket`: the transport header is written there. */
export const HEADROOM = 16;
/** Bytes that must be free behind it: up to 15 of padding and the 16 of the tag. */
export const TAILROOM = 32;

/** Every reason for which something is dropped; each is counted. */
export type DropReason =
  | 'bad-length' // not the length of its type, or too short to be anything
  | 'unknown-type'
  | 'bad-mac1'
  | 'under-load' // answered with a cookie reply instead
  | 'cookie-limited' // under load, and too many cookie replies were sent already
  | 'rate-limited'
  | 'handshake-failed' // did not decrypt, or an unknown static key
  | 'replayed-handshake' // timestamp not greater than the greatest seen
  | 'handshake-flood' // less than 20 ms after the last one consumed from this peer
  | 'unknown-index'
  | 'stale-keypair' // past Reject-After-Time or Reject-After-Messages
  | 'bad-tag'
  | 'replayed'
  | 'bad-inner-packet' // not IPv4 or IPv6, or longer than what arrived
  | 'ecn-mismatch' // marked on the way though its sender does not understand marks: RFC 6040
  | 'source-not-allowed' // inner source address does not route back to the sender
  | 'no-route' // no peer has this destination among its allowed IPs
  | 'no-endpoint'
  | 'queue-full' // the oldest of 128 staged packets
  | 'packet-too-short'
  | 'no-private-key'
  | 'bad-peer-key' // a point of low order: every shared secret with it is zero
  | 'truncated' // did not fit the buffer of the tunnel
  | 'not-delivered' // the interface took it not: it is down, or has no memory
  | 'bad-offload' // what the TUN says of a large packet is not what the packet says
  | 'link-down'; // between handleLinkDown and handleLinkUp, and before the first one

/** Where a handshake stands. */
export type HandshakeStep =
  | 'initiation-sent'
  | 'initiation-received' // authentic and new
  | 'response-sent'
  | 'response-received' // authentic
  | 'cookie-received'
  | 'given-up' // Rekey-Attempt-Time is over
  | 'keys-erased'; // unused for too long

/** Is told of each step of each peer's. For logs: it must not touch the Device. */
export type HandshakeObserver = (step: HandshakeStep, peer: PublicKey) => void;

/**
 * One output of the Device. The object and what it points to belong to the Device and stay as they are until the next
 * `poll()` or `handle*()`: use it, then poll again.
 */
export type Output = DatagramOutput | PacketOutput | DropOutput;

/** Send these bytes by UDP. */
export interface DatagramOutput {
  type: 'datagram';
  buffer: Uint8Array;
  offset: number;
  length: number;
  to: Endpoint;
  /** ECN bits (0..3) for the outer header. RFC 6040. */
  ecn: number;
  /** Whose it is, for the Device only; undefined for a cookie reply, which is nobody's. */
  peer: Peer | undefined;
}

/** Write this IP packet to the TUN. */
export interface PacketOutput {
  type: 'packet';
  buffer: Uint8Array;
  offset: number;
  length: number;
}

export interface DropOutput {
  type: 'drop';
  reason: DropReason;
}

/** A change to a device, in the words of the UAPI's `set=1`. Absent means "leave as it is". */
export interface DeviceChange {
  /** `null` removes the key. */
  privateKey?: PrivateKey | null;
  replacePeers?: boolean;
  peers?: readonly PeerChange[];
}

export interface PeerChange {
  publicKey: PublicKey;
  remove?: boolean;
  /** Do nothing when the peer is not there. */
  updateOnly?: boolean;
  /** All zero: none. Affects the next handshake only. */
  presharedKey?: PresharedKey;
  endpoint?: Endpoint;
  /** Seconds, 0 switches it off. */
  persistentKeepalive?: number;
  replaceAllowedIps?: boolean;
  allowedIps?: readonly AllowedIpChange[];
}

export interface AllowedIpChange {
  cidr: Cidr;
  /** Take it away from this peer instead. */
  remove?: boolean;
}

/** What `get=1` tells of a device. */
export interface DeviceState {
  privateKey: PrivateKey | undefined;
  publicKey: PublicKey | undefined;
  peers: PeerState[];
  drops: Readonly<Partial<Record<DropReason, number>>>;
}

export interface PeerState {
  publicKey: PublicKey;
  /** All zero: none. */
  presharedKey: PresharedKey;
  endpoint: Endpoint | undefined;
  /** Wall clock, ms since the epoch, of the latest completed handshake; 0 for never. */
  latestHandshakeMs: number;
  /** Bytes of datagrams authenticated from and sent to the peer, handshakes included. */
  rxBytes: number;
  txBytes: number;
  persistentKeepalive: number;
  allowedIps: Cidr[];
}
