/**
 * Where a peer is: the address and port its last authenticated message came from (section 2.1), and the local address
 * that it was sent to, so that replies leave from there ("sticky source").
 *
 * Mutable and compared in place, because one is filled for every datagram.
 */
import { addressFromBytes, formatAddress, type IpAddress, type IpFamily } from '../ip.ts';

export class Endpoint {
  family: IpFamily = 4;
  /** The first 4 or all 16 bytes count, by family. */
  readonly address: Uint8Array = new Uint8Array(16);
  port = 0;
  /** IPv6 scope (interface index) of a link-local address, else 0. */
  scopeId = 0;
  /** Local address that the datagram was written to; counts only when `hasSource`. Same family as `address`. */
  readonly source: Uint8Array = new Uint8Array(16);
  /** Interface index for the source, 0 for any. */
  sourceInterface = 0;
  hasSource = false;
  /** Interface index that the datagram came in by, 0 when nobody knows. The source is good while answers leave by the same one. */
  arrivalInterface = 0;
  /** Which state of the host's routing the source was last seen to be good in: a number of the UDP port's own. */
  routing = 0;

  static from(address: IpAddress, port: number, scopeId = 0): Endpoint {
    const endpoint = new Endpoint();
    endpoint.family = address.family;
    endpoint.address.set(address.bytes);
    endpoint.port = port;
    endpoint.scopeId = scopeId;
    return endpoint;
  }

  copyFrom(other: Endpoint): void {
    this.family = other.family;
    this.address.set(other.address);
    this.port = other.port;
    this.scopeId = other.scopeId;
    this.source.set(other.source);
    this.sourceInterface = other.sourceInterface;
    this.hasSource = other.hasSource;
    this.arrivalInterface = other.arrivalInterface;
    this.routing = other.routing;
  }

  /** Remote side and sticky source alike. */
  equals(other: Endpoint): boolean {
    if (this.port !== other.port || this.family !== other.family || this.scopeId !== other.scopeId) return false;
    if (this.hasSource !== other.hasSource || this.sourceInterface !== other.sourceInterface) return false;
    const length = this.family === 4 ? 4 : 16;
    for (let i = 0; i < length; i++) if (this.address[i] !== other.address[i]) return false;
    if (this.hasSource) for (let i = 0; i < length; i++) if (this.source[i] !== other.source[i]) return false;
    return true;
  }

  /** Forgets the sticky source: it is no longer an address of this host. */
  clearSource(): void {
    this.hasSource = false;
    this.sourceInterface = 0;
  }

  get ipAddress(): IpAddress {
    return addressFromBytes(this.address.slice(0, this.family === 4 ? 4 : 16));
  }

  /** `192.0.2.1:51820` or `[2001:db8::1]:51820`, as wg(8) prints it. */
  toString(): string {
    const address = formatAddress(this.ipAddress);
    return this.family === 4
      ? `${address}:${this.port}`
      : `[${address}${this.scopeId ? `%${this.scopeId}` : ''}]:${this.port}`;
  }
}
