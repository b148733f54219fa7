/**
 * Changes to a device and what it tells about itself, in the words of the UAPI. A change is applied within one call, so
 * that no packet ever meets half of it.
 */
import { equalBytes, wipe } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import { UserError } from '../errors.ts';
import { clampPrivateKey, formatKey, type PresharedKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { createRemoteStatic, createStaticKeys } from '../noise/handshake.ts';
import { Endpoint } from '../peer/endpoint.ts';
import { Peer } from '../peer/peer.ts';
import { findPeer, type DeviceContext } from './context.ts';
import {
  HEADROOM,
  TAILROOM,
  type DeviceChange,
  type DeviceState,
  type PeerChange,
  type PeerState,
} from './contract.ts';
import { sendKeepalive, sendPersistentKeepalives } from './send.ts';

/** errno(3): no space left. */
const ENOSPC = 28;

/** Throws UserError, and has changed nothing then, when the data plane has no room for so many allowed IPs. */
export function configureDevice(device: DeviceContext, change: DeviceChange, now: MonotonicMs): void {
  expectRoom(device, change);
  if (change.replacePeers === true) for (const peer of device.peers.values()) removePeer(device, peer);
  const isRekeyed = change.privateKey !== undefined && setPrivateKey(device, change.privateKey, now);
  for (const peerChange of change.peers ?? []) configurePeer(device, peerChange, now);
  if (isRekeyed && device.isUp) sendPersistentKeepalives(device, now);
}

/** A snapshot: later changes do not show in it. */
export function describeDevice(device: DeviceContext): DeviceState {
  const { identity, peers, drops } = device;
  return {
    privateKey: identity?.privateKey.slice() as PrivateKey | undefined, // slice() forgets the brand
    publicKey: identity?.publicKey,
    peers: Array.from(peers.values(), (peer) => describePeer(device, peer)),
    drops: { ...drops },
  };
}

/** Erases all of the device's secrets. */
export function eraseDevice(device: DeviceContext): void {
  for (const peer of device.peers.values()) removePeer(device, peer);
  setPrivateKey(device, null, Infinity);
  device.cookieChecker.destroy();
  device.outputs.clear();
  device.isUp = false;
}

function expectRoom({ plane, peers, allowedIps }: DeviceContext, change: DeviceChange): void {
  const changes = change.peers ?? [];
  let prefixes = 0;
  for (const { allowedIps: given = [] } of changes) for (const { remove } of given) if (remove !== true) prefixes++;
  if (plane === undefined || prefixes === 0) return;
  const staying = new Set(change.replacePeers === true ? [] : peers.values());
  for (const { publicKey, remove, replaceAllowedIps } of changes) {
    const peer = peers.get(formatKey(publicKey));
    if (peer !== undefined && (remove === true || replaceAllowedIps === true)) staying.delete(peer);
  }
  for (const peer of staying) prefixes += allowedIps.count(peer);
  if (plane.hasRoomFor(prefixes)) return;
  throw new UserError('too many allowed IPs for the data plane', {
    remedy: 'Start the tunnel with --threads 0.',
    errno: ENOSPC,
  });
}

/** False when the key was there already. */
function setPrivateKey(device: DeviceContext, given: PrivateKey | null, now: MonotonicMs): boolean {
  const { identity, crypto } = device;
  const privateKey = given === null ? null : clamped(given);
  // wg(8) setconf and syncconf repeat the key that is there: that must not end a session.
  if (privateKey !== null && identity !== undefined && equalBytes(identity.privateKey, privateKey)) {
    wipe(privateKey);
    return false;
  }
  for (const peer of device.peers.values()) {
    peer.clearSession();
    peer.timers.forgetUntil(now);
    peer.eraseRemote();
  }
  if (identity !== undefined) wipe(identity.privateKey);
  device.identity = privateKey === null ? undefined : createStaticKeys(crypto, privateKey);
  for (const peer of device.peers.values()) {
    if (isOwnKey(device, peer.publicKey)) removePeer(device, peer);
    else deriveRemote(device, peer);
  }
  return true;
}

/** A copy as the kernel module and wireguard-go keep it, and tell it again. */
function clamped(given: PrivateKey): PrivateKey {
  const privateKey = given.slice() as PrivateKey; // the same length
  clampPrivateKey(privateKey);
  return privateKey;
}

function configurePeer(device: DeviceContext, change: PeerChange, now: MonotonicMs): void {
  if (isOwnKey(device, change.publicKey)) return;
  const existing = findPeer(device, change.publicKey);
  if (change.remove === true) {
    if (existing !== undefined) removePeer(device, existing);
    return;
  }
  if (existing === undefined && change.updateOnly === true) return;
  const peer = existing ?? addPeer(device, change.publicKey);
  if (change.presharedKey !== undefined) setPresharedKey(device, peer, change.presharedKey);
  setAllowedIps(device, peer, change);
  if (change.allowedIps !== undefined || change.replaceAllowedIps === true)
    device.plane?.allowedIpsChanged(device.allowedIps);
  const formerKeepalive = peer.persistentKeepalive;
  if (change.persistentKeepalive !== undefined) peer.persistentKeepalive = change.persistentKeepalive;
  const isMoved = change.endpoint !== undefined && setEndpoint(peer, change.endpoint);
  device.plane?.peerChanged(peer);
  // One keepalive now: the timer starts with it, and a shorter interval does not wait for the end of the longer one.
  const isNews = isMoved || peer.persistentKeepalive !== formerKeepalive;
  if (device.isUp && isNews && peer.persistentKeepalive > 0) sendKeepalive(device, peer, now);
}

function addPeer(device: DeviceContext, publicKey: PublicKey): Peer {
  const peer = new Peer({
    publicKey: publicKey.slice() as PublicKey, // the same length
    random: device.random,
    room: { headroom: HEADROOM, tailroom: TAILROOM },
    freeIndex: (index) => device.indices.free(index),
    keypairFreed: (keypair) => device.plane?.keypairFreed(keypair),
  });
  deriveRemote(device, peer);
  device.peers.set(formatKey(peer.publicKey), peer);
  return peer;
}

function removePeer(device: DeviceContext, peer: Peer): void {
  device.allowedIps.removeAll(peer);
  device.peers.delete(formatKey(peer.publicKey));
  peer.destroy();
  device.plane?.peerRemoved(peer);
  device.plane?.allowedIpsChanged(device.allowedIps);
}

/** False when it is there already. The sticky source is forgotten in any case. */
function setEndpoint(peer: Peer, endpoint: Endpoint): boolean {
  const isMoved = peer.endpoint?.toString() !== endpoint.toString();
  peer.endpoint ??= new Endpoint();
  peer.endpoint.copyFrom(endpoint);
  return isMoved;
}

function setPresharedKey(device: DeviceContext, peer: Peer, presharedKey: PresharedKey): void {
  wipe(peer.presharedKey);
  peer.presharedKey = presharedKey.slice() as PresharedKey; // the same length
  if (peer.remote !== undefined) peer.remote = { ...peer.remote, presharedKey: peer.presharedKey };
}

function setAllowedIps(device: DeviceContext, peer: Peer, change: PeerChange): void {
  const changes = change.allowedIps ?? [];
  if (change.replaceAllowedIps === true) {
    const added = changes.filter(({ remove }) => remove !== true).map(({ cidr }) => cidr);
    device.allowedIps.replace(peer, added);
    if (added.length === changes.length) return;
    // The latest word on each prefix counts: going through all of them once more says what it was.
  }
  for (const { cidr, remove } of changes) {
    if (remove === true) device.allowedIps.remove(cidr, peer);
    else device.allowedIps.insert(cidr, peer);
  }
}

function deriveRemote(device: DeviceContext, peer: Peer): void {
  const { crypto, identity } = device;
  if (identity === undefined) return;
  peer.remote = createRemoteStatic(crypto, identity, peer.publicKey, peer.presharedKey);
}

function isOwnKey(device: DeviceContext, publicKey: PublicKey): boolean {
  return device.identity !== undefined && equalBytes(device.identity.publicKey, publicKey);
}

function describePeer(device: DeviceContext, peer: Peer): PeerState {
  let endpoint: Endpoint | undefined;
  if (peer.endpoint !== undefined) {
    endpoint = new Endpoint();
    endpoint.copyFrom(peer.endpoint);
  }
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey.slice() as PresharedKey, // the same length
    endpoint,
    latestHandshakeMs: peer.latestHandshakeMs,
    rxBytes: peer.rxBytes,
    txBytes: peer.txBytes,
    persistentKeepalive: peer.persistentKeepalive,
    allowedIps: device.allowedIps.list(peer),
  };
}
