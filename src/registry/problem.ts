/**
 * Problems as RFC 9457 writes them. The one place that knows which HTTP status a refusal has: routes hand the result of a
 * service to `accepted`, and what that throws ends in `answerError`.
 */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Log } from '../log.ts';
import type { RegistryEnv } from './env.ts';
import { refuse, type Reason, type Refusal, type Result } from './service/result.ts';
import { isStorageFull } from './store/storage-full.ts';
import { isWriteLocked } from './store/write-locked.ts';

/** What the HTTP layer itself refuses, before a service is asked. */
type HttpReason =
  | 'malformed'
  | 'no-such-path'
  | 'method-not-allowed'
  | 'too-large'
  | 'unsupported-media-type'
  | 'internal'
  | 'storage-full';

const PROBLEMS: Readonly<Record<Reason | HttpReason, readonly [status: ContentfulStatusCode, title: string]>> = {
  malformed: [400, 'The request cannot be read'],
  unauthorized: [401, 'Credential not accepted'],
  forbidden: [403, 'Not with this kind of credential'],
  'host-expired': [403, 'Host expired'],
  'name-not-allowed': [403, 'Name not allowed by the token'],
  'not-found': [404, 'Not found'],
  'no-such-path': [404, 'No such path'],
  'method-not-allowed': [405, 'Method not allowed'],
  'name-taken': [409, 'Name taken'],
  'key-in-use': [409, 'Public key in use'],
  'key-differs': [409, 'Not the present public key'],
  'address-taken': [409, 'Address taken'],
  'route-overlap': [409, 'Route overlaps another'],
  'no-such-exit': [409, 'No such exit'],
  'range-overlap': [409, 'Range overlaps another'],
  'network-full': [409, 'Network full'],
  'network-not-empty': [409, 'Network not empty'],
  'in-progress': [409, 'In progress'],
  'answer-not-kept': [409, 'Done, but the answer is not kept'],
  stale: [412, 'Changed meanwhile'],
  'too-large': [413, 'Request too large'],
  'unsupported-media-type': [415, 'Unsupported media type'],
  invalid: [422, 'Invalid field'],
  'key-reused': [422, 'Idempotency-Key of another request'],
  'upgrade-required': [426, 'Upgrade required'],
  'precondition-required': [428, 'If-Match missing'],
  'too-many-attempts': [429, 'Too many attempts'],
  internal: [500, 'Internal error'],
  'no-events': [501, 'No events here'],
  busy: [503, 'Busy'],
  'storage-full': [507, 'Storage full'],
};

export const Problem = z
  .object({
    /** `urn:peerage:problem:` and the reason; it does not change. */
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    /** What happened and what to do next. */
    detail: z.string(),
    /** Names the request in the registry's log. */
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem');
export type Problem = z.infer<typeof Problem>;

/**
 * For the document: the answers of a route that are problems. Every route may also answer 429, or fail with 500, with 503 while another process
 * writes for long, or with 507 on a full disk.
 */
export function problemResponses<S extends number>(...statuses: S[]) {
  const response = { description: 'A problem', content: { 'application/problem+json': { schema: Problem } } };
  const all = [...statuses, 429, 500, 503, 507] as const;
  // Object.fromEntries forgets the keys; they are those in `all`.
  return Object.fromEntries(all.map((status) => [status, response])) as Record<(typeof all)[number], typeof response>;
}

/** A refusal on its way to `answerError`. */
class Refused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** The value of a result, or the way out of the route. */
export function accepted<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Refused(result);
}

/** Answers with a problem. */
export function problem(
  c: Context<RegistryEnv>,
  refusal: Omit<Refusal, 'ok' | 'reason'> & { reason: Reason | HttpReason },
  errors?: Problem['errors'],
): Response {
  const { reason, detail, pointer, retryAfterSeconds } = refusal;
  const [status, title] = PROBLEMS[reason];
  const fields = errors ?? (pointer === undefined ? undefined : [{ pointer: `#${pointer}`, detail }]);
  const requestId = c.var.requestId;
  const body: Problem = { type: `urn:peerage:problem:${reason}`, title, status, detail, requestId };
  c.header('content-type', 'application/problem+json');
  if (retryAfterSeconds !== undefined) c.header('retry-after', String(retryAfterSeconds));
  if (status === 401) c.header('www-authenticate', 'Bearer');
  if (status === 426) c.header('upgrade', 'websocket');
  return c.body(JSON.stringify(fields === undefined ? body : { ...body, errors: fields }), status);
}

/** For OpenAPIHono's `defaultHook`: what the schemas refuse. */
export function answerInvalid(
  result: { success: true } | { success: false; target: string; error: z.ZodError },
  c: Context<RegistryEnv>,
): Response | undefined {
  if (result.success) return undefined;
  const errors = result.error.issues.flatMap((issue) => {
    // A field that nobody knows is named by the issue, not by its path.
    const names = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
    return names.map((name) => {
      const path = [...issue.path, ...(name === undefined ? [] : [name])];
      return { pointer: `#${path.map((step) => `/${escapePointer(String(step))}`).join('')}`, detail: issue.message };
    });
  });
  const named = errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; ');
  const part = { query: 'query', param: 'param', header: 'header' }[result.target] ?? 'body';
  const detail = `The ${part} has fields that are missing, wrong or unknown: ${named}`;
  return problem(c, { reason: 'invalid', detail }, errors);
}

/** For Hono's `onError`. */
export function answerError(error: unknown, c: Context<RegistryEnv>, log: Log): Response {
  if (error instanceof Refused) return problem(c, error.refusal);
  if (error instanceof HTTPException && error.status === 415)
    return problem(c, {
      reason: 'unsupported-media-type',
      detail: 'Send another Content-Type: /openapi.json names it.',
    });
  if (error instanceof HTTPException && error.status < 500)
    return problem(c, { reason: 'malformed', detail: 'The body is not what its Content-Type says.' });
  // Not the message: a database driver puts the values of its statement into it.
  const name = error instanceof Error ? error.name : typeof error;
  const stack = error instanceof Error ? error.stack?.split('\n').filter((line) => line.startsWith('    at ')) : [];
  log.error({ requestId: c.var.requestId, error: name, stack }, 'a request failed');
  if (isStorageFull(error))
    return problem(c, {
      reason: 'storage-full',
      detail: 'The registry has no room left to write. Nothing was changed.',
    });
  if (isWriteLocked(error))
    return problem(c, {
      reason: 'busy',
      detail:
        'Another program writes to the database of the registry, a large backup that comes back, for one. Try again.',
      retryAfterSeconds: 5,
    });
  return problem(c, { reason: 'internal', detail: 'The registry failed. Its log says more under the request id.' });
}

/** `what` there has been too much of, as a sentence. */
export function refuseForRetry(what: string, milliseconds: number): Refusal {
  const seconds = Math.ceil(milliseconds / 1000);
  const detail = `${what} Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
  return { ...refuse('too-many-attempts', detail), retryAfterSeconds: seconds };
}

/** RFC 6901 section 3. */
function escapePointer(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
