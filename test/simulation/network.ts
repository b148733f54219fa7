/**
 * A simulated internet of Devices: seeded loss, delay, reordering and duplication, hosts that roam, NAT, and one fake
 * clock that jumps from event to event, so that hours pass in a moment and every run can be repeated.
 */
import { equalBytes } from '../../src/bytes.ts';
import type { CryptoProvider } from '../../src/crypto/port.ts';
import {
  HEADROOM,
  TAILROOM,
  type DeviceState,
  type Output,
  type PeerChange,
  type PeerState,
} from '../../src/device/contract.ts';
import { Device, type DeviceOptions } from '../../src/device/device.ts';
import { parseAddress, parseCidr } from '../../src/ip.ts';
import { generatePrivateKey, type PrivateKey, type PublicKey } from '../../src/keys.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { createPacket, packetNumber, type PacketFields } from './packets.ts';
import { seededRandom, type SeededRandom } from './random.ts';

export interface NetworkOptions {
  crypto: CryptoProvider;
  seed: number;
  /** Probabilities, 0 to 1. */
  loss?: number;
  duplication?: number;
  /** Each datagram takes between these; a wide range reorders. */
  delayMs?: readonly [number, number];
}

export interface HostOptions extends Partial<Pick<DeviceOptions, 'isUnderLoad' | 'mtu'>> {
  /** Outer IPv4 address; the port is 51820. */
  outer: string;
  /** Inner IPv4 address. */
  inner: string;
  /** Behind a NAT that forgets a mapping this long after its last use; nobody gets in without one. */
  natTimeoutMs?: number;
  /** What its wall clock shows at time 0. */
  wallMs?: number;
}

/** One datagram on the wire, as an eavesdropper sees it. */
export interface Sighting {
  at: number;
  from: string;
  to: string;
  bytes: Uint8Array;
  ecn: number;
}

interface Event {
  at: number;
  run: () => void;
}

export class Host {
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
  readonly inner: string;
  device: Device;
  endpoint: Endpoint;
  wallMs: number;
  /** Packets that reached its TUN, in order. */
  readonly packets: Uint8Array[] = [];
  readonly nat: { timeoutMs: number; port: number; usedAt: number } | undefined;
  readonly #createDevice: () => Device;

  constructor(options: HostOptions, network: Network, random: SeededRandom, crypto: CryptoProvider) {
    this.privateKey = generatePrivateKey(random.bytes);
    this.publicKey = crypto.publicKey(this.privateKey) as PublicKey; // 32 bytes, by the port
    this.inner = options.inner;
    this.endpoint = Endpoint.from(parseAddress(options.outer)!, 51820);
    this.wallMs = options.wallMs ?? 1_700_000_000_000;
    const { natTimeoutMs } = options;
    this.nat = natTimeoutMs === undefined ? undefined : { timeoutMs: natTimeoutMs, port: 40_000, usedAt: -Infinity };
    this.#createDevice = () =>
      new Device({ ...options, crypto, random: random.bytes, wall: () => this.wallMs + network.now });
    this.device = this.#createDevice();
  }

  get received(): number[] {
    return this.packets.map(packetNumber);
  }

  get drops(): DeviceState['drops'] {
    return this.device.describe().drops;
  }

  peer(other: Host): PeerState {
    const found = this.device.describe().peers.find(({ publicKey }) => equalBytes(publicKey, other.publicKey));
    if (found === undefined) throw new RangeError(`${other.inner} is no peer of ${this.inner}`);
    return found;
  }

  /** As after a reboot: nothing is remembered but the private key. */
  restart(): void {
    this.device.close();
    this.device = this.#createDevice();
  }
}

export class Network {
  now = 0;
  readonly sightings: Sighting[] = [];
  /** Beside random loss: a test's own. */
  passes: (sighting: Sighting) => boolean = () => true;
  readonly hosts: Host[] = [];
  readonly random: SeededRandom;
  readonly #options: NetworkOptions;
  readonly #events: Event[] = [];

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed);
  }

  addHost(options: HostOptions): Host {
    const host = new Host(options, this, this.random, this.#options.crypto);
    this.hosts.push(host);
    this.start(host);
    return host;
  }

  /** Gives a new or restarted device its key and its link. */
  start(host: Host): void {
    host.device.configure({ privateKey: host.privateKey }, this.now);
    host.device.handleLinkUp(this.now);
    this.#drain(host);
  }

  /** Makes `peer` a peer of `host`, with its inner address; without an endpoint when it is behind a NAT. */
  introduce(host: Host, peer: Host, change: Partial<PeerChange> = {}): void {
    const allowedIps = [{ cidr: parseCidr(peer.inner)! }];
    const known = peer.nat === undefined ? { endpoint: peer.endpoint } : {};
    this.configure(host, { publicKey: peer.publicKey, allowedIps, ...known, ...change });
  }

  configure(host: Host, peer: PeerChange): void {
    host.device.configure({ peers: [peer] }, this.now);
    this.#drain(host);
  }

  /** Both ways. */
  connect(a: Host, b: Host, change: Partial<PeerChange> = {}): void {
    this.introduce(a, b, change);
    this.introduce(b, a, change);
  }

  /** Puts a packet into the TUN of `from`. */
  send(from: Host, to: Host, fields: Partial<PacketFields> = {}): void {
    const packet = createPacket({ from: from.inner, to: to.inner, ...fields });
    this.sendPacket(from, packet);
  }

  sendPacket(from: Host, packet: Uint8Array): void {
    const buffer = new Uint8Array(HEADROOM + packet.length + TAILROOM);
    buffer.set(packet, HEADROOM);
    from.device.handlePacket(buffer, HEADROOM, packet.length, this.now);
    this.#drain(from);
  }

  /** Gives `host` a datagram as if it came from `from`, now. */
  inject(host: Host, bytes: Uint8Array, from: Endpoint, ecn = 0): void {
    const buffer = bytes.slice();
    host.device.handleDatagram(buffer, 0, buffer.length, from, ecn, this.now);
    this.#drain(host);
  }

  schedule(at: number, run: () => void): void {
    // A sorted insertion from the end: nearly all events are for the near future.
    let i = this.#events.length;
    while (i > 0 && this.#events[i - 1]!.at > at) i--;
    this.#events.splice(i, 0, { at, run });
  }

  /** Runs `action(0)`, `action(1)`, ... every `intervalMs` from now on until `until`. */
  every(intervalMs: number, until: number, action: (count: number) => void): void {
    const step = (count: number) => {
      action(count);
      if (this.now + intervalMs < until) this.schedule(this.now + intervalMs, () => step(count + 1));
    };
    this.schedule(this.now, () => step(0));
  }

  /** Jumps from event to event until `time`. */
  runUntil(time: number): void {
    for (;;) {
      const event = this.#events[0];
      const timeout = Math.min(...this.hosts.map(({ device }) => device.nextTimeout()));
      const next = Math.min(event?.at ?? Infinity, timeout);
      if (next > time) break;
      this.now = Math.max(this.now, next);
      if (event !== undefined && event.at <= timeout) {
        this.#events.shift();
        event.run();
      } else {
        for (const host of this.hosts) this.#handleTimeout(host);
      }
    }
    this.now = time;
  }

  /** Datagrams of one type so far, as the eavesdropper counts them; from one host when given. */
  count(type: 1 | 2 | 3 | 4, from?: Host): number {
    const sender = from?.endpoint.toString();
    return this.sightings.filter(({ bytes, from }) => bytes[0] === type && (sender ?? from) === from).length;
  }

  #handleTimeout(host: Host): void {
    if (host.device.nextTimeout() > this.now) return;
    host.device.handleTimeout(this.now);
    this.#drain(host);
  }

  #drain(host: Host): void {
    for (let output = host.device.poll(); output !== undefined; output = host.device.poll())
      this.#carryOut(host, output);
  }

  #carryOut(host: Host, output: Output): void {
    if (output.type === 'drop') return;
    const bytes = output.buffer.slice(output.offset, output.offset + output.length);
    if (output.type === 'packet') {
      host.packets.push(bytes);
      return;
    }
    const { random } = this;
    const [shortest, longest] = this.#options.delayMs ?? [1, 1];
    const from = this.#leaveNat(host);
    const sighting = { at: this.now, from: from.toString(), to: output.to.toString(), bytes, ecn: output.ecn };
    this.sightings.push(sighting);
    if (!this.passes(sighting) || random.number() < (this.#options.loss ?? 0)) return;
    const copies = random.number() < (this.#options.duplication ?? 0) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const at = this.now + shortest + random.number() * (longest - shortest);
      this.schedule(at, () => this.#arrive(sighting, from));
    }
  }

  #arrive({ to, bytes, ecn }: Sighting, from: Endpoint): void {
    for (const host of this.hosts) if (this.#isReachedBy(host, to)) this.inject(host, bytes, from, ecn);
  }

  /** The endpoint that others see: the host's own, or that of its mapping, which changes when it was forgotten. */
  #leaveNat(host: Host): Endpoint {
    const seen = new Endpoint();
    seen.copyFrom(host.endpoint);
    if (host.nat === undefined) return seen;
    if (this.now - host.nat.usedAt > host.nat.timeoutMs) host.nat.port++;
    host.nat.usedAt = this.now;
    seen.port = host.nat.port;
    return seen;
  }

  #isReachedBy(host: Host, to: string): boolean {
    if (host.nat === undefined) return host.endpoint.toString() === to;
    if (this.now - host.nat.usedAt > host.nat.timeoutMs) return false;
    const mapped = new Endpoint();
    mapped.copyFrom(host.endpoint);
    mapped.port = host.nat.port;
    return mapped.toString() === to;
  }
}
