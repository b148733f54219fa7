/**
 * `import ... from 'peerage'`: WireGuard for any JavaScript host. Nothing here needs Node, a kernel or root: packets and
 * datagrams go through the ports `Tun` and `Udp`. docs/guide/library.md shows how.
 *
 * What is not listed here is nobody's to rely on.
 */

// A tunnel, or the state machine below it.
export { createDevice, createTunnel, type TunnelParts } from './create-tunnel.ts';
export type { Tunnel } from '../tunnel/tunnel.ts';
export type { TunnelChange, TunnelState } from '../tunnel/state.ts';
export type { Device, DeviceOptions } from '../device/device.ts';
export { HEADROOM, TAILROOM } from '../device/contract.ts';
export type {
  AllowedIpChange,
  DatagramOutput,
  DeviceChange,
  DeviceState,
  DropOutput,
  DropReason,
  HandshakeObserver,
  HandshakeStep,
  Output,
  PacketOutput,
  PeerChange,
  PeerState,
} from '../device/contract.ts';

// Ports, and those that need no kernel.
export type { DatagramSource, Tun, TunEvent, Udp } from '../tunnel/ports.ts';
export type { Scheduler } from '../tunnel/scheduler.ts';
export type { Clock, MonotonicMs, RandomBytes, WallMs } from '../clock.ts';
export { silentLog, type Log } from '../log.ts';
export { MemoryTun } from '../tunnel/memory-tun.ts';
export { MemoryNetwork, type MemoryUdp } from '../tunnel/memory-udp.ts';
export { randomBytes, systemClock, timerScheduler } from './surroundings.ts';
export { nobleCrypto } from '../crypto/noble.ts';
export type { Aead, CryptoProvider } from '../crypto/port.ts';

// Values.
export { Endpoint } from '../peer/endpoint.ts';
export { parseEndpoint } from '../uapi/endpoint.ts';
export {
  formatKey,
  generatePresharedKey,
  parsePresharedKey,
  parsePrivateKey,
  parsePublicKey,
  type PresharedKey,
  type PrivateKey,
  type PublicKey,
} from '../keys.ts';
export { derivePublicKey, generateKeyPair, type KeyPair } from './key-pair.ts';
export {
  containsAddress,
  formatAddress,
  formatCidr,
  parseAddress,
  parseCidr,
  type Cidr,
  type IpAddress,
  type IpFamily,
} from '../ip.ts';
export { UserError, type SourcePosition } from '../errors.ts';

// Files of wg(8) and wg-quick(8).
export { parseConfig, parseConfigOrThrow, type ParsedConfig, type Problem } from '../config/parse.ts';
export { formatConfig } from '../config/format.ts';
export { checkConfigs } from '../config/check.ts';
export type { Finding, FindingCode, Severity } from '../config/finding.ts';
export type { Config, ConfigEndpoint, InterfaceConfig, PeerConfig } from '../config/config.ts';
export { configChange } from './config-change.ts';
