/**
 * Endpoints that are host names, resolved again when their peer is silent: the address behind a name changes, and WireGuard
 * itself only ever hears of addresses. Which peers are silent is src/agent/silence.ts's to say.
 */
import { SilenceWatch } from '../agent/silence.ts';
import { endpointAddress, type PeerConfig } from '../config/config.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { formatKey } from '../keys.ts';
import type { TunnelState } from '../tunnel/state.ts';
import type { Ports } from './ports.ts';
import { resolveEndpoint } from './resolve.ts';
import { changeTunnel } from './tunnel.ts';

/** Twice what a peer may take to answer: Keepalive-Timeout and then Rekey-Timeout, 15 s. */
const SILENCE_MS = 30_000;
/** Names that move are given short lives, of some minutes at most. */
const LONGEST_PAUSE_MS = 120_000;

export class NamedEndpoints {
  readonly #ports: Ports;
  readonly #file: { name: string; path: string };
  readonly #silence = new SilenceWatch({ silenceMs: SILENCE_MS, longestPauseMs: LONGEST_PAUSE_MS });

  constructor(ports: Ports, file: { name: string; path: string }) {
    this.#ports = ports;
    this.#file = file;
  }

  /**
   * One look at the tunnel. Resolves to what was changed, in words. Throws a UserError when the file or the tunnel cannot be
   * read: nothing is lost, the next look asks again.
   */
  async look({ peers }: TunnelState): Promise<string[]> {
    const traffic = peers.map(({ publicKey, endpoint, rxBytes, txBytes }) => ({
      publicKey: formatKey(publicKey),
      hasEndpoint: endpoint !== undefined,
      rxBytes,
      txBytes,
    }));
    const due = new Set(this.#silence.handleLook(traffic, this.#ports.clock.monotonic()));
    if (due.size === 0) return [];
    const present = new Map(peers.map((peer) => [formatKey(peer.publicKey), peer.endpoint?.toString()]));
    const named = (await this.#namedPeers()).filter((peer) => due.has(formatKey(peer.publicKey)));
    const moves = await Promise.all(
      named.map((peer) => this.#resolveAgain(peer, present.get(formatKey(peer.publicKey)))),
    );
    return moves.flatMap((move) => move ?? []);
  }

  /** Of the file as it is now: whoever manages the interface may have changed it. */
  async #namedPeers(): Promise<PeerConfig[]> {
    const text = await this.#ports.files.read(this.#file.path);
    if (text === undefined) return [];
    return parseConfigOrThrow(text, { file: this.#file.path }).peers.filter(hasNamedEndpoint);
  }

  async #resolveAgain({ publicKey, endpoint }: PeerConfig, present: string | undefined): Promise<string | undefined> {
    const resolved = endpoint && (await resolveEndpoint(this.#ports, endpoint));
    if (resolved === undefined || resolved.toString() === present) return undefined;
    // The peer may have been removed while the name was looked up.
    const change = { publicKey, endpoint: resolved, updateOnly: true };
    await changeTunnel(this.#ports, this.#file.name, { peers: [change] });
    return `${endpoint!.host} is at ${resolved.toString()} now`;
  }
}

export function hasNamedEndpoint({ endpoint }: Pick<PeerConfig, 'endpoint'>): boolean {
  return endpoint !== undefined && endpointAddress(endpoint) === undefined;
}
