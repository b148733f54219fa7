/**
 * The Durable Object of a network: holds the sockets of the hosts that listen, and sends what changed when the Worker rings.
 *
 * Between two rings it hibernates: the sockets stay open, nothing of this class stays in memory, and nothing is billed. So all that
 * it knows of a socket is the attachment that Cloudflare keeps with it, and all else is read from D1 when it is needed. A `ping`
 * is answered by Cloudflare without waking the object.
 *
 * One thing at a time: two notifications at once could overtake each other on their way to the same socket. What is rung
 * meanwhile is one more notification afterwards, however often it rang.
 */
import { DurableObject } from 'cloudflare:workers';
import { randomBytes, sealer, sha256 } from '../../src/library/surroundings.ts';
import { createPollingBell } from '../../src/registry/polling-bell.ts';
import {
  CLOSE,
  notifyAll,
  notifyOne,
  REASONS,
  type Listener,
  type Notice,
} from '../../src/registry/service/listeners.ts';
import type { RegistryPorts } from '../../src/registry/service/ports.ts';
import type { Farewell } from '../../src/registry/wire.ts';
import { createD1Store } from '../../src/registry/store/d1-store.ts';
import type { Database } from '../../src/registry/store/database.ts';
import { consoleLog } from './console-log.ts';

/** Carries the listener, as JSON, from the Worker: nobody else reaches the object. */
export const LISTENER_HEADER = 'peerage-listener';

/** Of one host: the agent has one, and one that the network in between has forgotten may still be there. */
const SOCKETS_OF_A_HOST = 4;
/** Cloudflare takes 32,768 in one object. */
const MAX_SOCKETS = 30_000;
/** The agent sends a ping every 50 seconds. */
const SILENCE_MS = 300_000;
/** So few that begin to listen at once are looked at one by one; for more, the network is read once. */
const ONE_BY_ONE = 8;
/** Before another attempt, and the shortest time to an alarm. */
const RETRY_MS = 1000;

/** What Cloudflare keeps with a socket. */
interface Attachment extends Listener {
  readonly openedAt: number;
}

interface Listening {
  readonly socket: WebSocket;
  readonly attachment: Attachment;
}

export class NetworkBell extends DurableObject<{ readonly DB: D1Database }> {
  readonly #ports: RegistryPorts;
  #isRung = false;
  #fresh = new Set<WebSocket>();
  #working: Promise<void> | undefined;

  constructor(state: DurableObjectState, bindings: { readonly DB: D1Database }) {
    super(state, bindings);
    const database: Database = bindings.DB; // the shape that src/registry/store/database.ts is the part of
    this.#ports = {
      store: createD1Store(database),
      bell: createPollingBell(0), // nobody waits here, and what this object changes it tells by itself
      random: randomBytes,
      sha256,
      sealer,
      wall: () => this.wall(),
    };
    state.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** Milliseconds since 1970; a test has its own. */
  protected wall(): number {
    return Date.now();
  }

  /** By which sockets are silent. The object's own, as it stamps the pings; a test sets it back while it opens some. */
  protected socketClock(): number {
    return Date.now();
  }

  /** A change is in the store. Resolves when everybody has been told. */
  async ring(): Promise<void> {
    this.#isRung = true;
    await this.#notify();
  }

  /** Takes the socket of a host that the Worker has let in. */
  override async fetch(request: Request): Promise<Response> {
    const listener = JSON.parse(request.headers.get(LISTENER_HEADER) ?? '') as Listener; // the Worker wrote it
    if (this.ctx.getWebSockets().length >= MAX_SOCKETS) return new Response(null, { status: 503 });
    const { 0: theirs, 1: ours } = new WebSocketPair();
    // From here on a ring reaches it, so nothing is missed between this and the look into the store.
    this.ctx.acceptWebSocket(ours, [listener.hostId]);
    ours.serializeAttachment({ ...listener, openedAt: this.socketClock() } satisfies Attachment);
    this.#replaceOldest(listener.hostId);
    this.#fresh.add(ours);
    void this.#notify();
    return new Response(null, { status: 101, webSocket: theirs });
  }

  override async alarm(): Promise<void> {
    await this.ring();
  }

  /** Cloudflare answers `ping` itself: this is something else, and wakes the object each time. */
  override webSocketMessage(socket: WebSocket): void {
    hangUp(socket, CLOSE.spoke);
  }

  /** Both sides say that they close (RFC 6455 section 7.1.1). */
  override webSocketClose(socket: WebSocket): void {
    socket.close();
  }

  #notify(): Promise<void> {
    return (this.#working ??= this.#work());
  }

  async #work(): Promise<void> {
    while (this.#isRung || this.#fresh.size > 0) {
      const isForAll = this.#isRung || this.#fresh.size > ONE_BY_ONE;
      const listening = (isForAll ? this.ctx.getWebSockets() : [...this.#fresh]).flatMap(describe);
      this.#isRung = false;
      this.#fresh.clear();
      try {
        // oxlint-disable-next-line no-await-in-loop -- one at a time is the point
        await (isForAll ? this.#tellAll(listening) : Promise.all(listening.map((each) => this.#tellOne(each))));
      } catch (error) {
        consoleLog.error({ error: error instanceof Error ? error.name : typeof error }, 'hosts were not told');
        // oxlint-disable-next-line no-await-in-loop -- as above
        await this.#lookAgain(this.wall());
      }
    }
    this.#working = undefined;
  }

  async #tellAll(listening: readonly Listening[]): Promise<void> {
    const now = this.socketClock();
    const [alive, silent]: [Listening[], Listening[]] = [[], []];
    for (const each of listening) (now - this.#lastSign(each) < SILENCE_MS ? alive : silent).push(each);
    for (const { socket } of silent) hangUp(socket, CLOSE.silent);
    const [first] = alive;
    if (first === undefined) return;
    const attachments = alive.map(({ attachment }) => attachment);
    const { notices, lookAgainAt } = await notifyAll(first.attachment.networkId, attachments, this.#ports);
    for (const [i, each] of alive.entries()) deliver(each, notices[i]!); // one for each
    const told = notices.filter(({ type }) => type !== 'none').length;
    consoleLog.info({ listening: alive.length, told }, 'hosts were told');
    await this.#lookAgain(lookAgainAt);
  }

  async #tellOne(listening: Listening): Promise<void> {
    const { notices, lookAgainAt } = await notifyOne(listening.attachment, this.#ports);
    for (const notice of notices) deliver(listening, notice);
    await this.#lookAgain(lookAgainAt);
  }

  /** By an alarm, unless there is one that comes sooner: that one will plan the next. */
  async #lookAgain(at: number | null): Promise<void> {
    if (at === null) return;
    const alarmAt = Date.now() + Math.max(RETRY_MS, at - this.wall());
    const planned = await this.ctx.storage.getAlarm();
    if (planned === null || alarmAt < planned) await this.ctx.storage.setAlarm(alarmAt);
  }

  /** A host that has more sockets than it needs keeps the newest: the others are those that it has lost. */
  #replaceOldest(hostId: string): void {
    const own = this.ctx.getWebSockets(hostId).flatMap(describe);
    own.sort((a, b) => b.attachment.openedAt - a.attachment.openedAt);
    for (const { socket } of own.slice(SOCKETS_OF_A_HOST)) hangUp(socket, CLOSE.replaced);
  }

  #lastSign({ socket, attachment }: Listening): number {
    return Math.max(attachment.openedAt, this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }
}

/** Nothing for a socket that is closed or about to be. */
function describe(socket: WebSocket): Listening[] {
  if (socket.readyState !== WebSocket.OPEN) return [];
  return [{ socket, attachment: socket.deserializeAttachment() as Attachment }]; // attached where it was accepted
}

function deliver({ socket, attachment }: Listening, notice: Notice): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  if (notice.type === 'close') return hangUp(socket, notice.code);
  if (notice.type === 'list') socket.send(notice.text);
  else if (notice.version === attachment.version) return;
  socket.serializeAttachment({ ...attachment, version: notice.version } satisfies Attachment);
}

/** Says so in a frame, too: a client may hear of the end of a socket only when the connection is gone, seconds later. */
function hangUp(socket: WebSocket, code: number): void {
  const reason = REASONS[code] ?? '';
  socket.send(JSON.stringify({ close: code, reason } satisfies Farewell));
  socket.close(code, reason);
}
