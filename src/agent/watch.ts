/**
 * Keeping the list of peers current: when to ask the registry, and what its answers mean. Sans-IO: time and answers
 * come in, requests and events go out.
 *
 *   poll(now) -> a request to send ------> handleAnswer(answer, now) or handleFailure(now) -> an event
 *        ^    '-> a socket to open ------> handleOpened(now), handleFrame(text, now)        |
 *        |                                 until handleEnd(code, now)                       |
 *        '------ nextTimeout(): when to come back <---------------------------------------'
 *
 * A registry that offers a socket is listened to, and asked nothing while the socket is open. One that holds requests open
 * (`?wait=`) is asked again at once; one that answers at once is asked at an interval; one that is down is asked less and less often.
 * Whatever happens to it, the last list stays: peers are removed only by a list
 * that the registry sent. A host whose key was refused stops asking and keeps its tunnel: if it was removed, the others have
 * dropped it already; if the registry lost its data, nobody should be cut off for that.
 */
import type { MonotonicMs, RandomBytes } from '../clock.ts';
import { PeerList, SocketFrame } from '../registry/wire.ts';
import {
  isProblem,
  jsonRequest,
  parseJson,
  problemDetail,
  retryAfterMs,
  type RegistryAnswer,
  type RegistryRequest,
} from './exchange.ts';
import { ANY_EXIT, withoutWideRoutes } from './credible-routes.ts';
import { mergePeerList, type PeerSet } from './merge.ts';
import { jitter, SocketTimes } from './socket.ts';

/** How long the registry is asked to hold a request: below the 60 s after which proxies give up. */
export const WAIT_SECONDS = 55;
/**
 * How often to ask a registry that does not hold requests and names no interval itself. Worked up to from the shortest
 * pause: one that is being restarted lets its waiting requests go, and holds them again afterwards.
 */
const FIRST_INTERVAL_MS = 1000;
export const LAST_INTERVAL_MS = 60_000;
/** The first pause after a failure; doubled with each, up to the last. */
const FIRST_BACKOFF_MS = 1000;
export const LAST_BACKOFF_MS = 60_000;

/** An answer without news that came faster than this was not held. */
const HELD_MS = 5000;
/** All hosts hear of a change at once: they come back spread over this long. */
const SPREAD_MS = 500;
const MAX_RETRY_AFTER_MS = 3_600_000;
/** News that were too long for a frame are so for all hosts at once. */
const TOO_MUCH_SPREAD_MS = 60_000;
/** Codes that a socket is closed with: the key, and the news. */
const REFUSED: readonly number[] = [4401, 4403];
const TOO_MUCH = 4413;
export const PING = 'ping';
export const PONG = 'pong';
const DRAWS_TOO_MUCH = 'its peers would draw the public Internet to them';

export type WatchAction =
  | { type: 'ask'; request: RegistryRequest }
  /** Opens a socket; there is none then. */
  | { type: 'listen'; request: RegistryRequest }
  /** To be sent over the socket. */
  | { type: 'ping' };

export type WatchEvent =
  | { type: 'unchanged' }
  | { type: 'changed'; before: PeerSet; after: PeerSet }
  /** The registry is down, or what answers is not it. */
  | { type: 'unavailable'; reason: string; retryInMs: number }
  /** The host key is not accepted any more. There will be no more requests. */
  | { type: 'refused'; reason: string };

export class Watch {
  readonly #hostKey: string;
  readonly #ownPublicKey: string;
  readonly #random: RandomBytes;
  readonly #socket: SocketTimes;
  /** As the registry says it, with the default routes of all exits. */
  #listed: PeerSet;
  /** What of it counts on this host. */
  #present: PeerSet;
  #exit: string | undefined;
  #etag: string | undefined;
  #askedAt: MonotonicMs = 0;
  #asksToWait = false;
  /** Before another socket is opened. */
  #asksFirst = false;
  #nextAt: MonotonicMs;
  #failures = 0;
  /** Answers in a row without news that were not held. */
  #quickAnswers = 0;

  constructor(options: {
    hostKey: string;
    ownPublicKey: string;
    present: PeerSet;
    /** As `chooseExit` takes it. */
    exit?: string | undefined;
    random: RandomBytes;
    now: MonotonicMs;
  }) {
    this.#hostKey = options.hostKey;
    this.#ownPublicKey = options.ownPublicKey;
    this.#listed = options.present;
    this.#present = options.present;
    this.#exit = options.exit;
    this.#random = options.random;
    this.#socket = new SocketTimes(options.random);
    this.#nextAt = options.now;
  }

  get present(): PeerSet {
    return this.#present;
  }

  get exit(): string | undefined {
    return this.#exit;
  }

  /** The name of the peer that this host lets have its default route. True when it is another one than before. */
  chooseExit(exit: string | undefined): boolean {
    if (exit === this.#exit) return false;
    this.#exit = exit;
    this.#accept(this.#listed);
    return true;
  }

  #accept(listed: PeerSet): void {
    this.#listed = listed;
    this.#present = { ...listed, peers: listed.peers.map((peer) => withoutWideRoutes(peer, this.#exit)) };
  }

  /** Whether the socket is wanted. One that is not is to be closed, and what it still says is of no interest. */
  get isListening(): boolean {
    return this.#socket.isOpen;
  }

  /** When `poll` has something to do; Infinity while an answer is waited for or when the host was refused. */
  nextTimeout(): MonotonicMs {
    return this.#socket.isOpen ? this.#socket.nextTimeout() : this.#nextAt;
  }

  poll(now: MonotonicMs): WatchAction | undefined {
    if (this.#socket.isOpen) {
      if (this.#socket.poll(now)) return { type: 'ping' };
      if (this.#socket.isOpen) return undefined;
      this.#resume(now);
    }
    if (now < this.#nextAt) return undefined;
    if (!this.#asksFirst && now >= this.#socket.openAt && this.#etag !== undefined && this.#failures === 0) {
      this.#nextAt = Number.POSITIVE_INFINITY;
      this.#socket.handleOpening();
      const path = `/v1/socket?since=${this.#present.version}`;
      return { type: 'listen', request: jsonRequest({ method: 'GET', path, credential: this.#hostKey }) };
    }
    return { type: 'ask', request: this.#ask(now) };
  }

  #ask(now: MonotonicMs): RegistryRequest {
    this.#nextAt = Number.POSITIVE_INFINITY;
    this.#askedAt = now;
    this.#asksFirst = false;
    // The first list is asked for as a whole: it mends whatever got lost before this start. And only a registry that
    // is known to be there is asked to hold a request: until then, nobody knows whether it is back.
    this.#asksToWait = this.#etag !== undefined && this.#failures === 0;
    const since = this.#etag === undefined ? '' : `?since=${this.#present.version}`;
    const path = `/v1/peers${since}${this.#asksToWait ? `&wait=${WAIT_SECONDS}` : ''}`;
    const request = jsonRequest({ method: 'GET', path, credential: this.#hostKey });
    if (this.#etag !== undefined) request.headers['if-none-match'] = this.#etag;
    if (this.#asksToWait) request.timeoutMs += WAIT_SECONDS * 1000;
    return request;
  }

  /** The socket is open. */
  handleOpened(now: MonotonicMs): WatchEvent {
    this.#socket.handleOpened(now);
    return { type: 'unchanged' };
  }

  /** A frame of the socket; some end it. */
  handleFrame(text: string, now: MonotonicMs): WatchEvent {
    this.#socket.handleSign(now);
    if (text === PONG) return { type: 'unchanged' };
    const frame = SocketFrame.safeParse(parseJson(text));
    if (!frame.success) return this.#giveUp('it sent something that is no peer list', now);
    if ('close' in frame.data) {
      this.handleEnd(frame.data.close, now);
      return { type: 'unchanged' };
    }
    const before = this.#present;
    const listed = mergePeerList(this.#listed, frame.data, this.#ownPublicKey, ANY_EXIT);
    if (listed === undefined) return this.#giveUp(DRAWS_TOO_MUCH, now);
    if (listed === this.#listed) return { type: 'unchanged' };
    this.#accept(listed);
    return { type: 'changed', before, after: this.#present };
  }

  /** The socket was closed, or did not open (no code). */
  handleEnd(code: number | undefined, now: MonotonicMs): void {
    this.#socket.handleEnd(now);
    // Why it did not open, what is wrong with the key, and news that are too long: the answer to a request says it.
    this.#asksFirst = code === undefined || code === TOO_MUCH || REFUSED.includes(code);
    if (this.#asksFirst) this.#nextAt = now + this.#jitter(code === TOO_MUCH ? TOO_MUCH_SPREAD_MS : SPREAD_MS);
    else this.#resume(now);
  }

  /** Without a socket: it is opened again, or the registry asked, whichever comes first. */
  #resume(now: MonotonicMs): void {
    this.#nextAt = Math.max(now, Math.min(this.#socket.openAt, now + LAST_INTERVAL_MS));
  }

  /** What came over the socket is not to be believed: the whole list is asked for instead. */
  #giveUp(reason: string, now: MonotonicMs): WatchEvent {
    this.#socket.handleEnd(now);
    this.#etag = undefined;
    return this.#unavailable(reason, undefined, now);
  }

  handleAnswer(answer: RegistryAnswer, now: MonotonicMs): WatchEvent {
    if (answer.status === 200 || answer.status === 304)
      this.#socket.handleOffer(answer.headers.get('peerage-push') === 'websocket');
    if (answer.status === 304) return this.#unchanged(answer, now);
    if (answer.status === 401 && isProblem(answer))
      return { type: 'refused', reason: problemDetail(answer) ?? 'the host key is not accepted' };
    const list = answer.status === 200 ? PeerList.safeParse(parseJson(answer.body)) : undefined;
    if (list?.success !== true) return this.#unavailable(unusable(answer), retryAfterMs(answer), now);
    const before = this.#present;
    const listed = mergePeerList(this.#listed, list.data, this.#ownPublicKey, ANY_EXIT);
    if (listed === undefined) return this.#unavailable(DRAWS_TOO_MUCH, undefined, now);
    this.#etag = answer.headers.get('etag') ?? undefined;
    if (listed === this.#listed) return this.#unchanged(answer, now);
    this.#accept(listed);
    this.#failures = 0;
    this.#quickAnswers = 0;
    this.#nextAt = now + this.#jitter(SPREAD_MS);
    return { type: 'changed', before, after: this.#present };
  }

  /** The registry could not be reached, or did not answer in time. */
  handleFailure(reason: string, now: MonotonicMs): WatchEvent {
    return this.#unavailable(reason, undefined, now);
  }

  #unchanged(answer: RegistryAnswer, now: MonotonicMs): WatchEvent {
    this.#failures = 0;
    const wasHeld = now - this.#askedAt >= HELD_MS;
    // Without an ETag nothing can be held: such a server is polled.
    const couldHold = this.#asksToWait || this.#etag === undefined;
    this.#quickAnswers = couldHold && !wasHeld ? this.#quickAnswers + 1 : 0;
    const intervalMs = Math.min(FIRST_INTERVAL_MS * 2 ** (this.#quickAnswers - 1), LAST_INTERVAL_MS);
    const pauseMs = retryAfterMs(answer) ?? (this.#quickAnswers === 0 ? 0 : intervalMs);
    const askAt = now + Math.min(pauseMs, MAX_RETRY_AFTER_MS) + this.#jitter(SPREAD_MS + pauseMs / 10);
    this.#nextAt = Math.min(askAt, Math.max(now, this.#socket.openAt));
    return { type: 'unchanged' };
  }

  #unavailable(reason: string, askedPauseMs: number | undefined, now: MonotonicMs): WatchEvent {
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, LAST_BACKOFF_MS);
    this.#failures++;
    // Half of it is random, so that a network of hosts does not come back as one.
    const ownPauseMs = backoffMs / 2 + this.#jitter(backoffMs / 2);
    const retryInMs = Math.round(Math.max(ownPauseMs, Math.min(askedPauseMs ?? 0, MAX_RETRY_AFTER_MS)));
    this.#nextAt = now + retryInMs;
    return { type: 'unavailable', reason, retryInMs };
  }

  #jitter(rangeMs: number): number {
    return jitter(this.#random, rangeMs);
  }
}

function unusable(answer: RegistryAnswer): string {
  const detail = problemDetail(answer);
  return `it answered HTTP ${answer.status}${detail === undefined ? ' with something that is no peer list' : `: ${detail}`}`;
}
