/**
 * Which observed endpoints are worth telling the registry, so that hosts behind NAT find each other.
 *
 * Only what is new is told, once: cost follows change. A handshake that is too old says nothing about where a peer is
 * now; a private address says nothing to hosts elsewhere, so it never displaces a public one.
 */
import type { WallMs } from '../clock.ts';
import type { PeerView, Report } from '../registry/wire.ts';
import { isPrivateAddress } from './enrol.ts';
import { jsonRequest, type RegistryRequest } from './exchange.ts';

export interface ObservedPeer {
  publicKey: string;
  endpoint: string | undefined;
  /** Wall clock; 0 for never. */
  latestHandshakeMs: WallMs;
}

export interface Observation {
  listenPort: number;
  peers: readonly ObservedPeer[];
}

/** Reject-After-Time: past it the peers have no keypair in common. */
const FRESH_MS = 180_000;

export class Reporter {
  readonly #told = new Map<string, string>();
  #toldPort: number | undefined;

  /** What to report, or undefined when the registry knows all of it. `peers` is the registry's own list. */
  compose(observation: Observation, peers: readonly PeerView[], now: WallMs): Report | undefined {
    const listed = new Map(peers.map((peer) => [peer.publicKey, peer.endpoint]));
    const observed = observation.peers.flatMap((peer): Report['observed'] => {
      const known = listed.get(peer.publicKey);
      const { endpoint } = peer;
      if (endpoint === undefined || known === undefined || known === endpoint) return [];
      if (this.#told.get(peer.publicKey) === endpoint || now - peer.latestHandshakeMs > FRESH_MS) return [];
      if (known !== null && isPrivateEndpoint(endpoint) && !isPrivateEndpoint(known)) return [];
      return [{ publicKey: peer.publicKey, endpoint, latestHandshake: Math.floor(peer.latestHandshakeMs / 1000) }];
    });
    const { listenPort } = observation;
    const portChanged = listenPort !== 0 && listenPort !== this.#toldPort;
    if (observed.length === 0 && !portChanged) return undefined;
    return portChanged ? { listenPort, observed } : { observed };
  }

  /** The registry took it: it is not to be told again. */
  accepted(report: Report): void {
    this.#toldPort = report.listenPort ?? this.#toldPort;
    for (const { publicKey, endpoint } of report.observed) this.#told.set(publicKey, endpoint);
  }
}

export function createReport(hostKey: string, report: Report): RegistryRequest {
  return jsonRequest({ method: 'POST', path: '/v1/report', credential: hostKey, body: report });
}

function isPrivateEndpoint(endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return isPrivateAddress(host.replace(/^\[([^%\]]*).*\]$/, '$1'));
}
