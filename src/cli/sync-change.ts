/** The least change that brings a tunnel to a configuration: peers that stay as they are are not even mentioned. */
import type { PeerChange, PeerState } from '../device/contract.ts';
import { equalBytes } from '../bytes.ts';
import { formatCidr, maskCidr } from '../ip.ts';
import { formatKey } from '../keys.ts';
import type { TunnelChange, TunnelState } from '../tunnel/state.ts';

/** `wanted` says all of the configuration. Removals come first, so that a prefix can move to another peer. */
export function syncChange(present: TunnelState, wanted: TunnelChange): TunnelChange {
  const byKey = new Map(present.peers.map((peer) => [formatKey(peer.publicKey), peer]));
  const kept = new Set((wanted.peers ?? []).map((peer) => formatKey(peer.publicKey)));
  const { privateKey, listenPort, fwmark } = wanted;
  const sameKey = privateKey && present.privateKey && equalBytes(privateKey, present.privateKey);
  return {
    ...(privateKey === undefined || sameKey ? {} : { privateKey }),
    ...(listenPort === undefined || listenPort === present.listenPort ? {} : { listenPort }),
    ...(fwmark === undefined || fwmark === present.fwmark ? {} : { fwmark }),
    peers: [
      ...present.peers
        .filter((peer) => !kept.has(formatKey(peer.publicKey)))
        .map((peer): PeerChange => ({ publicKey: peer.publicKey, remove: true })),
      ...(wanted.peers ?? []).flatMap((peer) => {
        const change = difference(byKey.get(formatKey(peer.publicKey)), peer);
        return change === undefined ? [] : [change];
      }),
    ],
  };
}

function difference(present: PeerState | undefined, wanted: PeerChange): PeerChange | undefined {
  if (present === undefined) return wanted;
  const { presharedKey, endpoint, persistentKeepalive } = wanted;
  const change: PeerChange = {
    publicKey: wanted.publicKey,
    ...(presharedKey === undefined || equalBytes(presharedKey, present.presharedKey) ? {} : { presharedKey }),
    ...(endpoint === undefined || endpoint.toString() === present.endpoint?.toString() ? {} : { endpoint }),
    ...(persistentKeepalive === present.persistentKeepalive || persistentKeepalive === undefined
      ? {}
      : { persistentKeepalive }),
    ...(sameAllowedIps(present, wanted) ? {} : { replaceAllowedIps: true, allowedIps: wanted.allowedIps ?? [] }),
  };
  return Object.keys(change).length > 1 ? change : undefined;
}

function sameAllowedIps(present: PeerState, wanted: PeerChange): boolean {
  const old = new Set(present.allowedIps.map(formatCidr));
  const now = new Set((wanted.allowedIps ?? []).map(({ cidr }) => formatCidr(maskCidr(cidr))));
  return old.size === now.size && [...now].every((prefix) => old.has(prefix));
}
