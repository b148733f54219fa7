/**
 * A registry for the agent's tests: it keeps a version log, answers as /v1/peers does, holds requests, goes down and comes
 * back. Time is simulated: the test jumps from one deadline to the next.
 */
import { PONG, Watch, WAIT_SECONDS, type WatchAction, type WatchEvent } from '../../src/agent/watch.ts';
import type { RegistryAnswer, RegistryRequest } from '../../src/agent/exchange.ts';
import type { PeerList, PeerView } from '../../src/registry/wire.ts';

export const OWN_KEY = keyOf(0);

/** A valid public key for each number. */
export function keyOf(number: number): string {
  return `${String(number).padStart(42, 'A')}A=`;
}

export function peer(number: number, overrides: Partial<PeerView> = {}): PeerView {
  return {
    name: `host${number}`,
    publicKey: keyOf(number),
    endpoint: null,
    allowedIps: [`10.0.0.${number}/32`],
    persistentKeepalive: 25,
    ...overrides,
  };
}

export function answer(status: number, body: unknown = '', headers: Record<string, string> = {}): RegistryAnswer {
  return { status, headers: new Headers(headers), body: typeof body === 'string' ? body : JSON.stringify(body) };
}

export class FakeRegistry {
  version = 1;
  isDown = false;
  /** False for a platform where every request is answered at once. */
  holdsRequests = true;
  retryAfterSeconds: number | undefined;
  /** What it says of sockets, and what becomes of them: `mute` is a connection that is gone without a word. */
  sockets: 'none' | 'good' | 'refused' | 'mute' = 'none';
  readonly #hosts = new Map<string, { view: PeerView | undefined; version: number }>();

  put(view: PeerView): void {
    this.version++;
    this.#hosts.set(view.publicKey, { view, version: this.version });
  }

  remove(publicKey: string): void {
    this.version++;
    this.#hosts.set(publicKey, { view: undefined, version: this.version });
  }

  get peers(): PeerView[] {
    return [...this.#hosts.values()].flatMap(({ view }) => view ?? []).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Undefined while the request is held. `heldMs` is how long it has been. */
  ask(request: RegistryRequest, heldMs: number): RegistryAnswer | 'unreachable' | undefined {
    if (this.isDown) return 'unreachable';
    const query = new URLSearchParams(request.path.split('?')[1]);
    const etag = `"${this.version}"`;
    if (request.headers['if-none-match'] === etag) {
      const waitMs = 1000 * Number(query.get('wait') ?? 0);
      if (this.holdsRequests && heldMs < waitMs) return undefined;
      const retryAfter = this.retryAfterSeconds;
      return answer(304, '', {
        ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
        ...this.#offer(),
      });
    }
    return answer(200, this.listSince(query.get('since')), { etag, ...this.#offer() });
  }

  #offer(): Record<string, string> {
    return this.sockets === 'none' ? {} : { 'peerage-push': 'websocket' };
  }

  listSince(since: string | null): PeerList {
    const after = since === null ? undefined : Number(since);
    const full = after === undefined || after > this.version;
    const changed = [...this.#hosts].filter(([, host]) => full || host.version > after);
    return {
      version: this.version,
      full,
      peers: changed.flatMap(([, { view }]) => view ?? []),
      removed: full ? [] : changed.flatMap(([key, { view }]) => (view === undefined ? [key] : [])),
    };
  }
}

/** Runs a Watch against a registry until `until`, telling every event with its time. */
export class Simulation {
  now = 0;
  requests = 0;
  /** Of the requests, those that ask for a socket. */
  sockets = 0;
  pings = 0;
  readonly events: { at: number; event: WatchEvent }[] = [];
  readonly registry: FakeRegistry;
  readonly watch: Watch;
  /** The version that the registry has told over the socket. */
  #told = 0;
  #held: { request: RegistryRequest; since: number } | undefined;

  constructor(registry: FakeRegistry, seed = 1) {
    this.registry = registry;
    this.watch = new Watch({
      hostKey: 'pgh_test',
      ownPublicKey: OWN_KEY,
      present: { version: 0, peers: [] },
      random: seeded(seed),
      now: 0,
    });
  }

  /** Jumps from deadline to deadline. Held requests end when their time is up, or at the call after a change. */
  runUntil(until: number): void {
    while (this.step(until));
    this.now = Math.max(this.now, until);
  }

  private step(until: number): boolean {
    if (this.#held !== undefined) {
      const { request, since } = this.#held;
      const end = since + 1000 * WAIT_SECONDS;
      const early = this.registry.ask(request, this.now - since);
      if (early === undefined && end > until) return false;
      if (early === undefined) this.now = Math.max(this.now, end);
      this.#held = undefined;
      this.#deliver(early ?? this.registry.ask(request, this.now - since)!); // the time is up: it answers
      return true;
    }
    if (this.watch.isListening && this.#hear()) return true;
    if (this.watch.nextTimeout() > until) return false;
    this.now = Math.max(this.now, this.watch.nextTimeout());
    const action = this.watch.poll(this.now);
    if (action === undefined) return true;
    if (action.type !== 'ask') {
      this.#useSocket(action);
      return true;
    }
    const { request } = action;
    this.requests++;
    const result = this.registry.ask(request, 0);
    if (result === undefined) this.#held = { request, since: this.now };
    else this.#deliver(result);
    return true;
  }

  /** What comes over the socket now, if anything does. */
  #hear(): boolean {
    const { registry, watch, now } = this;
    if (registry.sockets === 'mute') return false;
    if (registry.isDown || registry.sockets !== 'good') {
      watch.handleEnd(1006, now);
      return true;
    }
    if (registry.version === this.#told) return false;
    const list = registry.listSince(String(this.#told));
    this.#told = registry.version;
    this.events.push({ at: now, event: watch.handleFrame(JSON.stringify(list), now) });
    return true;
  }

  #useSocket(action: Exclude<WatchAction, { type: 'ask' }>): void {
    const { registry, watch, now } = this;
    if (action.type === 'ping') {
      this.pings++;
      if (registry.sockets === 'good' && !registry.isDown) watch.handleFrame(PONG, now);
      return;
    }
    this.requests++;
    this.sockets++;
    if (registry.isDown || registry.sockets !== 'good') return watch.handleEnd(undefined, now);
    this.#told = Number(new URLSearchParams(action.request.path.split('?')[1]).get('since'));
    watch.handleOpened(now);
  }

  #deliver(result: RegistryAnswer | 'unreachable'): void {
    const event =
      result === 'unreachable'
        ? this.watch.handleFailure('connection refused', this.now)
        : this.watch.handleAnswer(result, this.now);
    this.events.push({ at: this.now, event });
  }
}

/** A linear congruential generator: repeatable, and good enough for jitter. */
function seeded(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}
