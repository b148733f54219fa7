/** What a tunnel is told and tells: a Device's change and state with those of its UDP socket. */
import type { DeviceChange, DeviceState } from '../device/contract.ts';

/** A change to a tunnel, in the words of the UAPI's `set=1`. Absent means "leave as it is". */
export interface TunnelChange extends DeviceChange {
  /** 0 lets the kernel choose. */
  listenPort?: number;
  /** SO_MARK of outgoing datagrams; 0 is none. */
  fwmark?: number;
}

/** What `get=1` tells of a tunnel. */
export interface TunnelState extends DeviceState {
  /**
   * While the interface is up: the port of the socket, and 0 when it has none because the port was taken. While it is down: the
   * port that will be bound, 0 for any.
   */
  listenPort: number;
  fwmark: number;
}
