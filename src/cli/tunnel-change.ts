/** From a configuration file to what a tunnel is told over the UAPI. Names are resolved on the way. */
import { formatEndpoint, type Config, type ConfigEndpoint, type PeerConfig } from '../config/config.ts';
import type { PeerChange } from '../device/contract.ts';
import type { Endpoint } from '../peer/endpoint.ts';
import { KEY_BYTES, type PresharedKey } from '../keys.ts';
import type { TunnelChange } from '../tunnel/state.ts';
import { missingResolver, resolveEndpoint } from './resolve.ts';
import { readEndpoint, type EndpointPorts } from './wg/read-endpoint.ts';

/** What to do about a peer whose name has no address: ask again for a while and then give up, as wg(8), or do without. */
export type UnresolvedPolicy = 'fail' | 'warn';

/** The whole configuration: what the tunnel had before is replaced. */
export async function setConfigChange(
  ports: EndpointPorts,
  config: Config,
  options: { unresolved: UnresolvedPolicy },
): Promise<TunnelChange> {
  const peers = await Promise.all(config.peers.map((peer) => peerChange(ports, peer, options)));
  return { ...interfaceChange(config), replacePeers: true, peers };
}

/** The interface's own part of a change; an absent listen port or mark is set back to "any" and "none". */
function interfaceChange(config: Config): TunnelChange {
  const { privateKey, listenPort, fwmark } = config.interface;
  return {
    ...(privateKey === undefined ? {} : { privateKey }),
    listenPort: listenPort ?? 0,
    fwmark: fwmark ?? 0,
  };
}

/** All that a [Peer] section says; what it does not say is switched off. */
async function peerChange(
  ports: EndpointPorts,
  peer: PeerConfig,
  options: { unresolved: UnresolvedPolicy },
): Promise<PeerChange> {
  const endpoint = peer.endpoint && (await resolve(ports, peer.endpoint, options));
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey ?? (new Uint8Array(KEY_BYTES) as PresharedKey), // all zero: none
    ...(endpoint === undefined ? {} : { endpoint }),
    persistentKeepalive: peer.persistentKeepalive ?? 0,
    replaceAllowedIps: true,
    allowedIps: peer.allowedIps.map((cidr) => ({ cidr })),
  };
}

/** Undefined with a warning, or a WgError. */
async function resolve(
  ports: EndpointPorts,
  endpoint: ConfigEndpoint,
  options: { unresolved: UnresolvedPolicy },
): Promise<Endpoint | undefined> {
  if (options.unresolved === 'fail') return readEndpoint(ports, formatEndpoint(endpoint));
  const resolved = await resolveEndpoint(ports, endpoint);
  if (resolved === undefined) {
    const why = (await missingResolver(ports))?.message ?? 'Name or service not known';
    ports.terminal.stderr(
      `Warning: ${why}: \`${endpoint.host}'; the peer stays without an endpoint until it has an address.\n`,
    );
  }
  return resolved;
}
