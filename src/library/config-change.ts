/** From a configuration file to what a tunnel is told. */
import type { Config, ConfigEndpoint, PeerConfig } from '../config/config.ts';
import type { PeerChange } from '../device/contract.ts';
import { UserError } from '../errors.ts';
import { parseAddress } from '../ip.ts';
import { KEY_BYTES, type PresharedKey } from '../keys.ts';
import { Endpoint } from '../peer/endpoint.ts';
import type { TunnelChange } from '../tunnel/state.ts';

/**
 * The whole configuration for `tunnel.configure()`: what the tunnel had before is replaced. Addresses, DNS, MTU and hooks are
 * not the tunnel's and have no part in it.
 *
 * @param endpointOf Undefined leaves the peer without an endpoint. Unless given, endpoints have to be addresses: UserError for
 * a name, which somebody has to resolve.
 */
export function configChange(
  config: Config,
  endpointOf: (endpoint: ConfigEndpoint) => Endpoint | undefined = addressEndpoint,
): TunnelChange {
  const { privateKey, listenPort, fwmark } = config.interface;
  return {
    ...(privateKey === undefined ? {} : { privateKey }),
    // Absent sets them back to "any" and "none".
    listenPort: listenPort ?? 0,
    fwmark: fwmark ?? 0,
    replacePeers: true,
    peers: config.peers.map((peer) => peerChange(peer, peer.endpoint && endpointOf(peer.endpoint))),
  };
}

/** All that a [Peer] section says; what it does not say is switched off. */
function peerChange(peer: PeerConfig, endpoint: Endpoint | undefined): PeerChange {
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey ?? (new Uint8Array(KEY_BYTES) as PresharedKey), // all zero: none
    ...(endpoint === undefined ? {} : { endpoint }),
    persistentKeepalive: peer.persistentKeepalive ?? 0,
    replaceAllowedIps: true,
    allowedIps: peer.allowedIps.map((cidr) => ({ cidr })),
  };
}

function addressEndpoint({ host, port }: ConfigEndpoint): Endpoint {
  const address = parseAddress(host);
  if (address !== undefined) return Endpoint.from(address, port);
  throw new UserError(`the endpoint ${host} is no address`, {
    remedy: 'Resolve names and zones first, and hand in a function that gives their endpoints.',
  });
}
