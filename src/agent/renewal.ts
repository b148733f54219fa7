/**
 * A host whose time is limited renews itself, long before the others lose sight of it. Sans-IO: wall-clock time and answers come in,
 * requests go out.
 *
 * How long its lifetime is the registry does not say, only when it ends. So half of what is left is waited for, each time anew:
 * a registry that is away for less than the other half costs nothing.
 */
import type { WallMs } from '../clock.ts';
import { HostConfig, Renewed } from '../registry/wire.ts';
import {
  isProblem,
  jsonRequest,
  parseJson,
  problemDetail,
  type RegistryAnswer,
  type RegistryRequest,
} from './exchange.ts';

const FIRST_PAUSE_MS = 5000;
const LAST_PAUSE_MS = 600_000;

export type RenewalEvent =
  /** `isNew`: the end has moved, and is worth remembering. */
  { type: 'known'; expiresAt: WallMs | null; isNew: boolean } | { type: 'failed'; reason: string };

export class Renewal {
  readonly #hostKey: string;
  /** Null: never. Undefined: an earlier Peerage did not write it down. */
  #expiresAt: WallMs | null | undefined;
  #nextAt: WallMs;
  #failures = 0;

  constructor(options: { hostKey: string; expiresAt: WallMs | null | undefined; now: WallMs }) {
    this.#hostKey = options.hostKey;
    this.#expiresAt = options.expiresAt;
    this.#nextAt = renewAt(options.expiresAt, options.now);
  }

  /** Undefined when nothing is due. */
  poll(now: WallMs): RegistryRequest | undefined {
    if (now < this.#nextAt) return undefined;
    // Until there is an answer.
    this.#nextAt = Infinity;
    return this.#expiresAt === undefined
      ? jsonRequest({ method: 'GET', path: '/v1/config?format=json', credential: this.#hostKey })
      : jsonRequest({ method: 'POST', path: '/v1/renew', credential: this.#hostKey });
  }

  handleAnswer(answer: RegistryAnswer, now: WallMs): RenewalEvent {
    const expiresAt = readEnd(answer);
    if (expiresAt === undefined) {
      // It was only asked for the end, and that has come.
      if (isProblem(answer, 'host-expired')) this.#expiresAt = now;
      return this.handleFailure(problemDetail(answer) ?? `it answered HTTP ${answer.status}`, now);
    }
    const isNew = expiresAt !== this.#expiresAt;
    this.#expiresAt = expiresAt;
    this.#failures = 0;
    this.#nextAt = renewAt(expiresAt, now);
    return { type: 'known', expiresAt, isNew };
  }

  handleFailure(reason: string, now: WallMs): RenewalEvent {
    const left = Math.max(0, (this.#expiresAt ?? Infinity) - now);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LAST_PAUSE_MS, Math.max(FIRST_PAUSE_MS, left / 8));
    this.#failures++;
    this.#nextAt = now + pauseMs;
    return { type: 'failed', reason };
  }

  /** The registry has refused something because the time is up: for a while it can still be renewed. */
  handleExpired(now: WallMs): void {
    this.#expiresAt = now;
    this.#nextAt = Math.min(this.#nextAt, now);
  }
}

function renewAt(expiresAt: WallMs | null | undefined, now: WallMs): WallMs {
  if (expiresAt === null) return Infinity;
  return expiresAt === undefined ? now : now + Math.max(FIRST_PAUSE_MS, (expiresAt - now) / 2);
}

/** Undefined when it is no answer to either question. */
function readEnd(answer: RegistryAnswer): WallMs | null | undefined {
  if (answer.status !== 200) return undefined;
  const body = parseJson(answer.body);
  const renewed = Renewed.safeParse(body);
  const end = renewed.success ? renewed.data : HostConfig.safeParse(body).data?.host;
  if (end === undefined) return undefined;
  return end.expiresAt === undefined || end.expiresAt === null ? null : Date.parse(end.expiresAt);
}
