/** A data plane as the loop of a tunnel drives it: threads that carry the packets of established sessions. */
import type { MonotonicMs } from '../clock.ts';
import type { DatagramOutput } from '../device/contract.ts';
import type { Device } from '../device/device.ts';

export interface TunnelPlane {
  /** To be called before the outputs of a Device are sent, for the answers that they bring. */
  publishReceiving(): void;
  /** To be called once they are sent: nothing overtakes them. */
  publishSending(): void;
  /** A datagram went out to the peer, which may have cost its endpoint the source. */
  sentTo(peer: NonNullable<DatagramOutput['peer']>): void;
  /** Tells the Device what was carried, dropped and heard since the last time. */
  collect(device: Device, now: MonotonicMs): void;
  /** When to collect; Infinity while nothing is carried. */
  nextTimeout(): MonotonicMs;
  setMtu(mtu: number): void;
}
