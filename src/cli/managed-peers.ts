/** Peers that a registry keeps: from its list into the file, the running tunnel and the routing table of this host. */
import { planRoutes, planUpdates, type PeerUpdate } from '../agent/apply.ts';
import { withNextKeys } from '../agent/next-keys.ts';
import { KEYPAIR_LIFE_MS } from '../agent/report.ts';
import { parseEndpoint, type PeerConfig } from '../config/config.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { replacePeers } from '../config/rewrite.ts';
import type { PeerChange } from '../device/contract.ts';
import { formatCidr, parseCidr, type Cidr } from '../ip.ts';
import { formatKey, parsePublicKey } from '../keys.ts';
import type { PeerView } from '../registry/wire.ts';
import type { ConfigFile } from './config-file.ts';
import type { Ports } from './ports.ts';
import { resolveEndpoint } from './resolve.ts';
import { addRoutes, removeRoutes } from './routes.ts';
import { changeTunnel, describeTunnel } from './tunnel.ts';

export function toPeerConfig(view: PeerView): PeerConfig {
  return {
    publicKey: parsePublicKey(view.publicKey)!, // 32 bytes: the wire format says so
    allowedIps: toPrefixes(view.allowedIps),
    endpoint: view.endpoint === null ? undefined : parseEndpoint(view.endpoint),
    persistentKeepalive: view.persistentKeepalive === 0 ? undefined : view.persistentKeepalive,
    comment: view.name,
  };
}

/** The file with the peers of `after`; sections of peers that the registry never named stay as they are. */
export function rewritePeers(
  text: string,
  path: string,
  before: readonly PeerView[],
  after: readonly PeerView[],
): string {
  // The next keys are the tunnel's only; a file that was saved from the tunnel has them all the same.
  const managed = new Set([...before, ...after].flatMap((peer) => [peer.publicKey, peer.nextPublicKey ?? []].flat()));
  const own = parseConfigOrThrow(text, { file: path }).peers.filter((peer) => !managed.has(formatKey(peer.publicKey)));
  return replacePeers(text, [...own, ...after.map(toPeerConfig)]);
}

/** Touches only what changed. Resolves to what the tunnel is set to then, the `before` of the next call. */
export async function applyPeers(
  ports: Ports,
  file: ConfigFile,
  before: readonly PeerView[],
  after: readonly PeerView[],
): Promise<PeerView[]> {
  const { peers } = await describeTunnel(ports, file.name);
  const present = peers.map((peer) => ({
    publicKey: formatKey(peer.publicKey),
    endpoint: peer.endpoint?.toString(),
    isAlive: ports.clock.wall() - peer.latestHandshakeMs < KEYPAIR_LIFE_MS,
    latestHandshakeMs: peer.latestHandshakeMs,
    allowedIps: peer.allowedIps.map(formatCidr),
    persistentKeepalive: peer.persistentKeepalive,
  }));
  const { updates, applied } = planUpdates({ before, after: withNextKeys(after, present), present });
  const changes = await Promise.all(updates.map((update) => toPeerChange(ports, update)));
  // A peer whose name cannot be resolved now is asked about again later; there may be nothing else to say of it.
  const effective = changes.filter((change) => Object.keys(change).length > 1);
  if (effective.length > 0) await changeTunnel(ports, file.name, { peers: effective });
  const routes = planRoutes(before, after);
  const { table } = file.config.interface;
  await removeRoutes(ports, file.name, table, toPrefixes(routes.removed));
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
