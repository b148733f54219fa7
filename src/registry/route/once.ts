/** Idempotency-Key, for what an administrator changes: the same request again gets the same answer, and nothing is done twice. */
import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { RegistryEnv, RouteContext } from '../env.ts';
import { accepted } from '../problem.ts';
import { claimChange, settleChange, type ChangeRequest, type KeptAnswer } from '../service/idempotency.ts';
import type { RegistryPorts } from '../service/ports.ts';
import { done, type Result } from '../service/result.ts';
import { adminOnly, bearer } from './role.ts';

/** Of an answer, what belongs to it and not to the request. */
const KEPT_HEADERS = ['content-type', 'etag'];
const KEY = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;

/** For `request` of a route's definition. */
export const changeHeaders = z.object({
  'idempotency-key': z.string().regex(KEY, 'expected 1 to 255 characters of ASCII').optional().openapi({
    description: 'Of your choice, anew for each change. The same request with the same key within a day is done once.',
  }),
});

/** The role of an administrator, for an operation that changes something. */
export function adminChange(context: RouteContext) {
  const { security, middleware } = adminOnly(context);
  return { security, middleware: [middleware, onlyOnce(context)] };
}

function onlyOnce({ ports }: RouteContext): MiddlewareHandler<RegistryEnv> {
  return async (c, next) => {
    const key = c.req.header('idempotency-key');
    // The schema refuses what is no key.
    if (key === undefined || !KEY.test(key)) return next();
    const { pathname, search } = new URL(c.req.url);
    const ifMatch = c.req.header('if-match') ?? '';
    const request = JSON.stringify([c.req.method, pathname + search, ifMatch, await c.req.text()]);
    const asked = { caller: c.var.admin.actor, credential: bearer(c), key, request };
    const change = makeOnce(asked, next, () => keep(c.res), ports);
    // From the claim on: a key that is claimed by a request that ended there would be taken for a day. What fails is answered below.
    ports.outlive?.(change.then(ignore, ignore));
    const earlier = accepted(await change);
    return earlier && replay(earlier);
  };
}

/** The answer that the same request had before; undefined when it was made now. */
async function makeOnce(
  asked: ChangeRequest,
  make: () => Promise<void>,
  answer: () => Promise<KeptAnswer>,
  ports: RegistryPorts,
): Promise<Result<KeptAnswer | undefined>> {
  const claimed = await claimChange(asked, ports);
  if (!claimed.ok) return claimed;
  if ('answer' in claimed.value) return done(claimed.value.answer);
  await make();
  try {
    await settleChange(claimed.value.claim, await answer(), ports);
  } catch {
    // The change is made and its answer on the way; the key stays taken, so that nothing is made twice.
  }
  return done(undefined);
}

function ignore(): void {}

async function keep(answer: Response): Promise<KeptAnswer> {
  const headers = KEPT_HEADERS.flatMap((name) => {
    const value = answer.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { status: answer.status, headers: Object.fromEntries(headers), body: await answer.clone().text() };
}

function replay({ status, headers, body }: KeptAnswer): Response {
  return new Response(status === 204 ? null : body, {
    status,
    headers: { ...headers, 'idempotency-replayed': 'true' },
  });
}
