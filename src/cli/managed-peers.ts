/** Peers that a registry keeps: from its list into the file, the running tunnel and the routing table of this host. */
import { planRoutes, planUpdates, type PeerUpdate } from '../agent/apply.ts';
import { isDeadEnd } from '../agent/held-exit.ts';
import { withNextKeys } from '../agent/next-keys.ts';
import type { OwnPeer } from '../agent/own-peers.ts';
import { KEYPAIR_LIFE_MS } from '../agent/report.ts';
import { parseEndpoint, type PeerConfig } from '../config/config.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { replacePeers } from '../config/rewrite.ts';
import type { PeerChange } from '../device/contract.ts';
import { formatCidr, maskCidr, parseCidr, type Cidr } from '../ip.ts';
import { formatKey, parsePublicKey } from '../keys.ts';
import type { PeerView } from '../registry/wire.ts';
import type { TunnelState } from '../tunnel/state.ts';
import type { ConfigFile } from './config-file.ts';
import type { Ports } from './ports.ts';
import { resolveEndpoint } from './resolve.ts';
import { addRoutes, removeRoutes } from './routes.ts';
import { changeTunnel } from './tunnel.ts';

/** Of a section that a person comes across in the file. */
const DEAD_END_COMMENT = 'nobody: the exit is gone, and what is for it is dropped until `peerage exit none`';

export function toPeerConfig(view: PeerView): PeerConfig {
  return {
    publicKey: parsePublicKey(view.publicKey)!, // 32 bytes: the wire format says so
    allowedIps: toPrefixes(view.allowedIps),
    endpoint: view.endpoint === null ? undefined : parseEndpoint(view.endpoint),
    persistentKeepalive: view.persistentKeepalive === 0 ? undefined : view.persistentKeepalive,
    comment: isDeadEnd(view) ? DEAD_END_COMMENT : view.name,
  };
}

/** Public keys of peers that are the registry's, by the list that the interface was set to. */
export function keysOf(peers: readonly PeerView[]): string[] {
  return peers.flatMap(({ publicKey, nextPublicKey }) => [
    publicKey,
    ...(nextPublicKey === undefined ? [] : [nextPublicKey]),
  ]);
}

/** Peers of the file and of the tunnel that are not the registry's. */
export function ownPeers(file: ConfigFile, tunnel: TunnelState, managed: ReadonlySet<string>): OwnPeer[] {
  return [...file.config.peers, ...tunnel.peers]
    .map(({ publicKey, allowedIps }) => ({ publicKey: formatKey(publicKey), allowedIps }))
    .filter((peer) => !managed.has(peer.publicKey));
}

/** The file with the peers of `after`. Sections of other peers stay as they are, but for those of keys that are `managed`. */
export function rewritePeers(
  text: string,
  path: string,
  managed: ReadonlySet<string>,
  after: readonly PeerView[],
): string {
  const own = parseConfigOrThrow(text, { file: path }).peers.filter((peer) => !managed.has(formatKey(peer.publicKey)));
  return replacePeers(text, [...own, ...after.map(toPeerConfig)]);
}

/**
 * Touches only what changed. Resolves to what the tunnel is set to then, the `before` of the next call. `own`: their routes stay. `managed`:
 * keys of all that may be there and is not the host's own.
 */
export async function applyPeers(
  ports: Ports,
  {
    file,
    tunnel,
    own,
    managed,
  }: { file: ConfigFile; tunnel: TunnelState; own: readonly OwnPeer[]; managed: ReadonlySet<string> },
  before: readonly PeerView[],
  after: readonly PeerView[],
): Promise<PeerView[]> {
  const present = tunnel.peers.map((peer) => ({
    publicKey: formatKey(peer.publicKey),
    endpoint: peer.endpoint?.toString(),
    isAlive: ports.clock.wall() - peer.latestHandshakeMs < KEYPAIR_LIFE_MS,
    latestHandshakeMs: peer.latestHandshakeMs,
    allowedIps: peer.allowedIps.map(formatCidr),
    persistentKeepalive: peer.persistentKeepalive,
  }));
  const { updates, applied } = planUpdates({ before, after: withNextKeys(after, present), present, managed });
  const changes = await Promise.all(updates.map((update) => toPeerChange(ports, update)));
  // A peer whose name cannot be resolved now is asked about again later; there may be nothing else to say of it.
  const effective = changes.filter((change) => Object.keys(change).length > 1);
  if (effective.length > 0) await changeTunnel(ports, file.name, { peers: effective });
  const routes = planRoutes(before, after);
  const { table } = file.config.interface;
  const claimed = new Set(own.flatMap((peer) => peer.allowedIps.map((prefix) => formatCidr(maskCidr(prefix)))));
  const removed = routes.removed.filter((prefix) => !claimed.has(prefix));
  await removeRoutes(ports, file.name, table, toPrefixes(removed));
  await addRoutes(ports, file.name, table, toPrefixes(routes.added));
  return applied;
}

async function toPeerChange(ports: Ports, update: PeerUpdate): Promise<PeerChange> {
  const publicKey = parsePublicKey(update.publicKey)!; // as above
  if (update.remove === true) return { publicKey, remove: true };
  const parsed = update.endpoint === undefined ? undefined : parseEndpoint(update.endpoint);
  const endpoint = parsed && (await resolveEndpoint(ports, parsed));
  const { allowedIps, persistentKeepalive } = update;
  return {
    publicKey,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(allowedIps === undefined
      ? {}
      : { replaceAllowedIps: true, allowedIps: toPrefixes(allowedIps).map((cidr) => ({ cidr })) }),
    ...(persistentKeepalive === undefined ? {} : { persistentKeepalive }),
  };
}

function toPrefixes(texts: readonly string[]): Cidr[] {
  return texts.flatMap((text) => parseCidr(text) ?? []);
}
