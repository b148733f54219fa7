/**
 * Which peers are silent: we send, and nothing comes back. Their host names are worth asking for again, since an answer of long
 * ago is the likeliest reason.
 *
 * Traffic tells it sooner and surer than the age of a handshake: an idle peer's handshake gets old without anything being
 * wrong, and a peer that never had one has no age. A living peer answers data within Keepalive-Timeout, and a handshake at
 * once. Keepalives alone are no sign: nothing answers them, so they prove nothing until a handshake has to be renewed.
 * Sans-IO: counters and time come in, public keys go out.
 */
import type { MonotonicMs } from '../clock.ts';

/**
 * Type 4, receiver index, counter and tag around nothing (5.4.6). An initiation has 148 bytes: no number of keepalives adds up to
 * it, nor do 148 and the padded packets that may leave between two looks.
 */
const KEEPALIVE_BYTES = 32;

/** A peer's counters, as the tunnel tells them. */
export interface PeerTraffic {
  publicKey: string;
  hasEndpoint: boolean;
  rxBytes: number;
  txBytes: number;
}

export interface SilenceOptions {
  /** How long something sent may stay without an answer. Also the pause before the second question. */
  silenceMs: number;
  /** Pauses double up to this. */
  longestPauseMs: number;
}

interface Watched {
  rxBytes: number;
  txBytes: number;
  /** When something that asks for an answer was sent first that was not followed by anything received. */
  unansweredSince: MonotonicMs | undefined;
  questions: number;
  nextQuestion: MonotonicMs;
}

export class SilenceWatch {
  readonly #options: SilenceOptions;
  #watched = new Map<string, Watched>();

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /** Public keys of the peers whose names are to be asked for now. One without an endpoint needs no proof of silence. */
  handleLook(peers: readonly PeerTraffic[], now: MonotonicMs): string[] {
    // Built anew, so that peers that are gone are forgotten.
    const watched = new Map(
      peers.map((peer) => [peer.publicKey, observe(this.#watched.get(peer.publicKey), peer, now)]),
    );
    this.#watched = watched;
    return peers.flatMap(({ publicKey, hasEndpoint }) => {
      const peer = watched.get(publicKey)!; // set above
      const isDue = !hasEndpoint || now - (peer.unansweredSince ?? now) >= this.#options.silenceMs;
      if (!isDue || now < peer.nextQuestion) return [];
      peer.nextQuestion = now + Math.min(this.#options.longestPauseMs, this.#options.silenceMs * 2 ** peer.questions);
      peer.questions += 1;
      return [publicKey];
    });
  }
}

function observe(before: Watched | undefined, { rxBytes, txBytes }: PeerTraffic, now: MonotonicMs): Watched {
  const counters = { rxBytes, txBytes };
  if (before === undefined || rxBytes !== before.rxBytes) {
    // What was sent before the first look counts only where nothing ever came back.
    const isUnanswered = before === undefined && txBytes > 0 && rxBytes === 0;
    return { ...counters, unansweredSince: isUnanswered ? now : undefined, questions: 0, nextQuestion: now };
  }
  // Data of a size that looks like keepalives is followed by an initiation after 15 s without an answer, which does not.
  const isOnlyKeepalives = (txBytes - before.txBytes) % KEEPALIVE_BYTES === 0;
  const since = before.unansweredSince ?? (isOnlyKeepalives ? undefined : now);
  return { ...before, ...counters, unansweredSince: since };
}
