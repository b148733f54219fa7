/**
 * What the agent and a registry say to each other, as data: requests to send, answers to read, and refusals (RFC 9457)
 * turned into something a person can mend. Who sends them is the caller's business.
 */
import { UserError } from '../errors.ts';

export interface RegistryRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below the registry's URL, with its query: `/v1/peers?since=3`. */
  path: string;
  headers: Record<string, string>;
  body?: string;
  timeoutMs: number;
}

export interface RegistryAnswer {
  status: number;
  headers: { get(name: string): string | null };
  body: string;
}

/** Long enough for a slow link, short enough for a person who waits. */
const REQUEST_TIMEOUT_MS = 15_000;

/** A detail is shown on a terminal: control characters could rewrite what stands there, and invisible ones its order. */
const CONTROL = /[\p{Cc}\p{Cf}]+/gu;
const MAX_DETAIL_CHARS = 400;
/** Of a refused credential: what to do about it with `peerage` is said by whoever was refused. */
const FOR_CURL = / Send a good one in the header Authorization, .*/s;

export function jsonRequest(input: {
  method: RegistryRequest['method'];
  path: string;
  credential: string;
  body?: unknown;
}): RegistryRequest {
  const headers: Record<string, string> = { authorization: `Bearer ${input.credential}`, accept: 'application/json' };
  const request: RegistryRequest = { method: input.method, path: input.path, headers, timeoutMs: REQUEST_TIMEOUT_MS };
  if (input.body === undefined) return request;
  headers['content-type'] = 'application/json';
  return { ...request, body: JSON.stringify(input.body) };
}

/** The JSON of a body, or undefined when it is none. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Whether the registry itself speaks, and not a proxy or captive portal in front of it; with a reason, whether it gives that one. */
export function isProblem(answer: RegistryAnswer, reason?: string): boolean {
  if (!(answer.headers.get('content-type') ?? '').startsWith('application/problem+json')) return false;
  if (reason === undefined) return true;
  const problem = parseJson(answer.body);
  return (
    typeof problem === 'object' &&
    problem !== null &&
    'type' in problem &&
    problem.type === `urn:peerage:problem:${reason}`
  );
}

/** The registry's own words about what went wrong, fit for a terminal; undefined when it has none. */
export function problemDetail(answer: RegistryAnswer): string | undefined {
  if (!isProblem(answer)) return undefined;
  const problem = parseJson(answer.body);
  if (typeof problem !== 'object' || problem === null) return undefined;
  const text = 'detail' in problem ? problem.detail : 'title' in problem ? problem.title : undefined;
  if (typeof text !== 'string') return undefined;
  return text.replace(FOR_CURL, '').replaceAll(CONTROL, ' ').slice(0, MAX_DETAIL_CHARS);
}

/** Seconds of a Retry-After header, as ms; undefined when there is none or it is a date. */
export function retryAfterMs(answer: RegistryAnswer): number | undefined {
  const text = answer.headers.get('retry-after')?.trim() ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}

/** What to tell a person whose request was refused. `doing` completes "The registry refused to ...". */
export function refusal(answer: RegistryAnswer, doing: string, unauthorizedRemedy: string): UserError {
  const detail = problemDetail(answer);
  const because = detail === undefined ? '' : `: ${detail}`;
  if (answer.status === 401)
    return new UserError(`The registry refused to ${doing}${because}`, { remedy: unauthorizedRemedy });
  if (answer.status === 429) {
    const seconds = (retryAfterMs(answer) ?? 60_000) / 1000;
    return new UserError('The registry has had too many requests from here.', {
      remedy: `Try again in ${seconds} seconds.`,
    });
  }
  if (answer.status >= 500)
    return new UserError(`The registry failed (HTTP ${answer.status})${because}`, {
      remedy: 'Nothing was changed here. Try again, and look at the log of the registry.',
    });
  const elsewhere = URL.parse(answer.headers.get('location') ?? '')?.origin;
  if (answer.status >= 300 && answer.status < 400 && elsewhere !== undefined)
    return new UserError(
      `What answered points to ${elsewhere} (HTTP ${answer.status}), where no credential is sent unasked.`,
      {
        remedy: `If that is the registry, say so: ${elsewhere}`,
      },
    );
  if (detail === undefined)
    return new UserError(`What answered is not a Peerage registry (HTTP ${answer.status}).`, {
      remedy: 'Check the address: its page /healthz should answer.',
    });
  return new UserError(`The registry refused to ${doing}${because}`);
}
