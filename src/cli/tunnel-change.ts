/** From a configuration file to what a tunnel is told over the UAPI. Names are resolved on the way. */
import { type Config, type PeerConfig } from '../config/config.ts';
import type { PeerChange } from '../device/contract.ts';
import { UserError } from '../errors.ts';
import { KEY_BYTES, type PresharedKey } from '../keys.ts';
import type { TunnelChange } from '../tunnel/state.ts';
import type { Ports } from './ports.ts';
import { resolveEndpoint } from './resolve.ts';

/** What to do about a peer whose name has no address. */
export type UnresolvedPolicy = 'fail' | 'warn';

/** The whole configuration: what the tunnel had before is replaced. */
export async function setConfigChange(
  ports: Pick<Ports, 'processes' | 'files' | 'terminal'>,
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
  ports: Pick<Ports, 'processes' | 'files' | 'terminal'>,
  peer: PeerConfig,
  options: { unresolved: UnresolvedPolicy },
): Promise<PeerChange> {
  const endpoint = peer.endpoint === undefined ? undefined : await resolveEndpoint(ports, peer.endpoint);
  if (peer.endpoint !== undefined && endpoint === undefined) reportUnresolved(ports, peer.endpoint.host, options);
  return {
    publicKey: peer.publicKey,
    presharedKey: peer.presharedKey ?? (new Uint8Array(KEY_BYTES) as PresharedKey), // all zero: none
    ...(endpoint === undefined ? {} : { endpoint }),
    persistentKeepalive: peer.persistentKeepalive ?? 0,
    replaceAllowedIps: true,
    allowedIps: peer.allowedIps.map((cidr) => ({ cidr })),
  };
}

function reportUnresolved(
  ports: Pick<Ports, 'terminal'>,
  host: string,
  options: { unresolved: UnresolvedPolicy },
): void {
  const message = `Name or service not known: \`${host}'`;
  if (options.unresolved === 'fail')
    throw new UserError(message, { remedy: 'Check the Endpoint in the file, and the name servers of this host.' });
  ports.terminal.stderr(`Warning: ${message}; the peer stays without an endpoint until it has an address.\n`);
}
