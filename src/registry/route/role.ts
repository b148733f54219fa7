/**
 * Who may call a route. Each of these goes into a route's definition and says it twice at once: to the document, as a
 * security scheme, and to the request, as the check. A route that names none is for everybody.
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { RegistryEnv, RouteContext } from '../env.ts';
import { waitOf } from '../service/held-requests.ts';
import { accepted, refuseForRetry } from '../problem.ts';
import {
  authenticateAdmin,
  authenticateExpiredToo,
  authenticateHost,
  authenticateToken,
} from '../service/credentials.ts';
import type { RegistryPorts } from '../service/ports.ts';
import type { Asking } from '../service/request-limit.ts';
import type { Result } from '../service/result.ts';

type Check = MiddlewareHandler<RegistryEnv>;

export function adminOnly(context: RouteContext) {
  const middleware: Check = async (c, next) => {
    const admin = await admit(c, bearer(c), authenticateAdmin, context);
    limitCredential(c, admin.actor, context);
    c.set('admin', { ...admin, requestId: c.var.requestId });
    await next();
  };
  return { security: [{ adminKey: [] }], middleware };
}

function tokenHolderOnly(context: RouteContext) {
  const middleware: Check = async (c, next) => {
    const holder = await admit(c, bearer(c), authenticateToken, context);
    limitCredential(c, holder.token.id, context);
    c.set('holder', { ...holder, requestId: c.var.requestId });
    await next();
  };
  return { security: [{ enrolmentToken: [] }], middleware };
}

/** A token, or the key of a host that is in already. Sets `holder` or `caller`; `comesWithHostKey` says which. */
export function tokenHolderOrHost(context: RouteContext) {
  return orHost(tokenHolderOnly(context), context);
}

/** Sets `admin` or `caller`; `comesWithHostKey` says which. */
export function adminOrHost(context: RouteContext) {
  return orHost(adminOnly(context), context);
}

function orHost(other: { middleware: Check; security: object[] }, context: RouteContext) {
  const host = hostOnly(context);
  const middleware: Check = (c, next) => (comesWithHostKey(c) ? host : other).middleware(c, next);
  // Each of them alone is enough.
  const security: Record<string, string[]>[] = [...other.security, ...host.security].map((scheme) => ({ ...scheme }));
  return { security, middleware };
}

/** Which kind of credential it is, not whether it is good. */
export function comesWithHostKey(c: Context<RegistryEnv>): boolean {
  return bearer(c).startsWith('pgh_');
}

/** `expiredToo`: for what a host may do although its time is up. */
export function hostOnly(context: RouteContext, { expiredToo = false }: { expiredToo?: boolean } = {}) {
  const authenticate = expiredToo ? authenticateExpiredToo : authenticateHost;
  const middleware: Check = async (c, next) => {
    c.set('caller', { ...(await admit(c, bearer(c), authenticate, context)), requestId: c.var.requestId });
    if (c.var.client.isRemote && waitOf(c.req.raw) === 'begins') expectModeration(c, context, 'read');
    await next();
  };
  return { security: [{ hostKey: [] }], middleware };
}

export function bearer(c: Context<RegistryEnv>): string {
  return /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
}

/** For all requests of an address, before anything is looked up for them. */
export function limitAddress(context: RouteContext): Check {
  const { requests, ports } = context;
  return async (c, next) => {
    const { address, isRemote } = c.var.client;
    // A request that was held counts once.
    const counts = isRemote && waitOf(c.req.raw) === 'begins';
    const retryAfterMs = counts ? requests.takeOf(address, ports.wall()) : 0;
    if (retryAfterMs > 0) accepted(refuseForRetry('Too many requests come from this address.', retryAfterMs));
    await next();
  };
}

/** For a credential that is no host's; how much a host may do depends on what it does (`expectModeration`). */
function limitCredential(c: Context<RegistryEnv>, id: string, { requests, ports }: RouteContext): void {
  const retryAfterMs = c.var.client.isRemote ? requests.takeOfCredential(id, ports.wall()) : 0;
  if (retryAfterMs > 0) accepted(refuseForRetry('Too many requests come with this credential.', retryAfterMs));
}

/** What the credential opens. Those that are not good are counted for the address that they come from. */
export async function admit<T>(
  c: Context<RegistryEnv>,
  credential: string,
  authenticate: (text: string, ports: RegistryPorts) => Promise<Result<T>>,
  { ports, failures }: RouteContext,
): Promise<T> {
  const result = await authenticate(credential, ports);
  // Another kind of credential is a mistake, not a guess: it was not even looked up.
  if (result.ok || result.reason === 'forbidden' || result.reason === 'host-expired') return accepted(result);
  // It was good when the request began to wait.
  if (waitOf(c.req.raw) !== 'begins') return accepted(result);
  const retryAfterMs = failures.countFailure(c.var.client.address, ports.wall());
  if (retryAfterMs === 0) return accepted(result);
  return accepted(refuseForRetry('Too many credentials from this address were not accepted.', retryAfterMs));
}

/** Refuses a host that asks much more often than one that behaves. */
export function expectModeration(
  c: Context<RegistryEnv>,
  { requests, ports }: RouteContext,
  asking: Asking = 'report',
): void {
  const retryAfterMs = requests.take(c.var.caller.host.id, ports.wall(), asking);
  if (retryAfterMs > 0) accepted(refuseForRetry('This host has asked too much.', retryAfterMs));
}
