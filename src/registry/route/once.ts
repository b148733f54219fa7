/** Idempotency-Key, for what an administrator changes: the same request again gets the same answer, and nothing is done twice. */
import { z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { RegistryEnv, RouteContext } from '../env.ts';
import { accepted } from '../problem.ts';
import { claimChange, settleChange, type KeptAnswer } from '../service/idempotency.ts';
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
    const claimed = accepted(await claimChange(asked, ports));
    if ('answer' in claimed) return replay(claimed.answer);
    const change = makeAndSettle(next, async () => settleChange(claimed.claim, await keep(c.res), ports));
    ports.outlive?.(change.catch(() => {})); // what fails is answered below, if anybody is there
    await change;
  };
}

async function makeAndSettle(make: () => Promise<void>, settle: () => Promise<void>): Promise<void> {
  await make();
  try {
    await settle();
  } catch {
    // The change is made and its answer on the way; the key stays taken, so that nothing is made twice.
  }
}

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
