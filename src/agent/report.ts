/**
 * Which observed endpoints are worth telling the registry, so that hosts behind NAT find each other.
 *
 * Only what is new is told: cost follows change. The registry believes the most recent handshake, so an endpoint that was
 * seen before a handshake confirmed it is told a second time, and then no more: hosts that see one peer in several places do
 * not contradict each other for ever. A handshake that is too old says nothing about where a peer is now; a private address
 * says nothing to hosts elsewhere, so it never displaces a public one.
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
export const KEYPAIR_LIFE_MS = 180_000;
const TIMES_TOLD = 2;

/** What the registry was told of a peer last. */
interface Told {
  endpoint: string;
  latestHandshake: number;
  times: number;
}

export class Reporter {
  readonly #told = new Map<string, Told>();
  #toldPort: number | undefined;

  /** What to report, or undefined when the registry knows all of it. `peers` is the registry's own list. */
  compose(observation: Observation, peers: readonly PeerView[], now: WallMs): Report | undefined {
    const listed = new Map(peers.map((peer) => [peer.publicKey, peer.endpoint]));
    const observed = observation.peers.flatMap((peer): Report['observed'] => {
      const known = listed.get(peer.publicKey);
      const { endpoint } = peer;
      if (endpoint === undefined || known === undefined || known === endpoint) return [];
      if (now - peer.latestHandshakeMs > KEYPAIR_LIFE_MS) return [];
      if (known !== null && isPrivateEndpoint(endpoint) && !isPrivateEndpoint(known)) return [];
      const latestHandshake = Math.floor(peer.latestHandshakeMs / 1000);
      return this.#isNews(peer.publicKey, endpoint, latestHandshake)
        ? [{ publicKey: peer.publicKey, endpoint, latestHandshake }]
        : [];
    });
    const { listenPort } = observation;
    const portChanged = listenPort !== 0 && listenPort !== this.#toldPort;
    if (observed.length === 0 && !portChanged) return undefined;
    return portChanged ? { listenPort, observed } : { observed };
  }

  /** The registry has it. */
  accepted(report: Report): void {
    this.#toldPort = report.listenPort ?? this.#toldPort;
    for (const { publicKey, endpoint, latestHandshake } of report.observed) {
      const told = this.#told.get(publicKey);
      const times = told?.endpoint === endpoint ? told.times + 1 : 1;
      this.#told.set(publicKey, { endpoint, latestHandshake, times });
    }
  }

  #isNews(publicKey: string, endpoint: string, latestHandshake: number): boolean {
    const told = this.#told.get(publicKey);
    if (told === undefined || told.endpoint !== endpoint) return true;
    return told.times < TIMES_TOLD && latestHandshake > told.latestHandshake;
  }
}

export function createReport(hostKey: string, report: Report): RegistryRequest {
  return jsonRequest({ method: 'POST', path: '/v1/report', credential: hostKey, body: report });
}

function isPrivateEndpoint(endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(':'));
  return isPrivateAddress(host.replace(/^\[([^%\]]*).*\]$/, '$1'));
}
