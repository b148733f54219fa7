/**
 * UDP sockets without a kernel: hosts with addresses on one network in this process. Nothing is lost or late here; the
 * simulation of the Device has its own network for that.
 */
import { Endpoint } from '../peer/endpoint.ts';
import { equalAddresses, type IpAddress } from '../ip.ts';
import type { DatagramSource, Udp } from './ports.ts';

const FIRST_DYNAMIC_PORT = 49_152;

interface Datagram {
  bytes: Uint8Array;
  from: Endpoint;
  ecn: number;
}

/** What carries a datagram from one host to another. */
export class MemoryNetwork {
  readonly #hosts = new Set<MemoryUdp>();

  /** A host with these addresses, its socket not bound yet. */
  createUdp(addresses: readonly IpAddress[]): MemoryUdp {
    const udp = new MemoryUdp(this, addresses);
    this.#hosts.add(udp);
    return udp;
  }

  deliver(bytes: Uint8Array, from: Endpoint, to: Endpoint, ecn: number): void {
    for (const host of this.#hosts)
      if (host.has(to.ipAddress) && host.port === to.port) host.accept(bytes, from, to, ecn);
  }

  remove(udp: MemoryUdp): void {
    this.#hosts.delete(udp);
  }
}

export class MemoryUdp implements Udp {
  /** May be set anew at any time: the host moves to another network. */
  addresses: readonly IpAddress[];
  /** The mark of the datagrams that it sends. */
  fwmark = 0;
  readonly #network: MemoryNetwork;
  readonly #queue: Datagram[] = [];
  #port = 0;
  #isArmed = false;
  #onReadable: () => void = () => {};

  constructor(network: MemoryNetwork, addresses: readonly IpAddress[]) {
    this.#network = network;
    this.addresses = addresses;
  }

  get port(): number {
    return this.#port;
  }

  bind(port: number): void {
    if (port !== 0 && port === this.#port) return;
    this.unbind();
    this.#port = port === 0 ? FIRST_DYNAMIC_PORT : port;
    this.rearm();
  }

  unbind(): void {
    this.#port = 0;
    this.#queue.length = 0;
  }

  setFwmark(mark: number): void {
    this.fwmark = mark;
  }

  receive(buffer: Uint8Array, offset: number, source: DatagramSource): number {
    const datagram = this.#queue.shift();
    if (datagram === undefined) return -1;
    const length = Math.min(datagram.bytes.length, buffer.length - offset);
    buffer.set(datagram.bytes.subarray(0, length), offset);
    source.from.copyFrom(datagram.from);
    source.ecn = datagram.ecn;
    source.truncated = length < datagram.bytes.length;
    return length;
  }

  send(buffer: Uint8Array, offset: number, length: number, to: Endpoint, ecn: number): boolean {
    if (this.#port === 0) return false;
    const address = this.#chooseSource(to);
    if (address === undefined) return false;
    this.#network.deliver(buffer.slice(offset, offset + length), Endpoint.from(address, this.#port), to, ecn);
    return true;
  }

  onReadable(listener: () => void): void {
    this.#onReadable = listener;
  }

  rearm(): void {
    this.#isArmed = true;
    if (this.#queue.length > 0) this.#wake();
  }

  close(): Promise<void> {
    this.unbind();
    this.#network.remove(this);
    return Promise.resolve();
  }

  has(address: IpAddress): boolean {
    return this.addresses.some((own) => equalAddresses(own, address));
  }

  /** The network brings a datagram. */
  accept(bytes: Uint8Array, from: Endpoint, to: Endpoint, ecn: number): void {
    const source = Endpoint.from(from.ipAddress, from.port);
    source.source.set(to.address);
    source.hasSource = true;
    this.#queue.push({ bytes, from: source, ecn });
    this.#wake();
  }

  #chooseSource(to: Endpoint): IpAddress | undefined {
    const sameFamily = this.addresses.filter(({ family }) => family === to.family);
    if (!to.hasSource) return sameFamily[0];
    const sticky = sameFamily.find(({ bytes }) => bytes.every((byte, i) => byte === to.source[i]));
    if (sticky === undefined) to.clearSource();
    return sticky ?? sameFamily[0];
  }

  #wake(): void {
    if (!this.#isArmed) return;
    this.#isArmed = false;
    queueMicrotask(() => this.#onReadable());
  }
}
