/** Enrolment tokens: who holds one may add a host, so often and so long as it says. */
import { formatCidr } from '../../ip.ts';
import type { Page, TokenRecord } from '../store/port.ts';
import type { NewToken, TokenView } from '../wire.ts';
import { isGood, issueCredential, type AdminCaller } from './credentials.ts';
import { findNetwork } from './networks.ts';
import type { RegistryPorts } from './ports.ts';
import { done, refuse, type Result } from './result.ts';
import { canonicalTags } from './sight.ts';
import { parseSubnets } from './subnets.ts';

const DEFAULT_LIFETIME_SECONDS = 86_400;

export async function addToken(
  networkName: string,
  request: NewToken,
  { actor, requestId }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<TokenView & { token: string }>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  const routes = parseSubnets(request.routes ?? [], '/routes');
  if (!routes.ok) return routes;
  const { text, record } = await issueCredential('token', ports);
  const now = ports.wall();
  const token: TokenRecord = {
    ...record,
    networkId: network.value.id,
    remaining: request.uses ?? 1,
    hostName: request.name ?? null,
    routes: routes.value.map(formatCidr),
    createdAt: now,
    expiresAt: now + 1000 * (request.expiresIn ?? DEFAULT_LIFETIME_SECONDS),
    revokedAt: null,
    namePattern: request.pattern ?? null,
    tags: canonicalTags(request.tags ?? []),
    ephemeral: request.ephemeral ?? false,
    hostLifetimeSeconds: request.hostLifetime ?? null,
  };
  if (!(await ports.store.addToken(token, { actor, requestId, at: now, detail: request })))
    return refuse('not-found', `There is no network ${networkName} any more.`);
  return done({ ...viewToken(token, now), token: text });
}

export async function listTokens(
  networkName: string,
  page: Page,
  ports: RegistryPorts,
): Promise<Result<{ tokens: TokenView[]; next: string | null }>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  const found = await ports.store.listTokens(network.value.id, { ...page, limit: page.limit + 1 });
  const tokens = found.slice(0, page.limit).map((token) => viewToken(token, ports.wall()));
  return done({ tokens, next: found.length > page.limit ? tokens.at(-1)!.id : null });
}

export async function revokeToken(
  networkName: string,
  id: string,
  { actor, requestId }: AdminCaller,
  ports: RegistryPorts,
): Promise<Result<undefined>> {
  const network = await findNetwork(networkName, ports);
  if (!network.ok) return network;
  if (await ports.store.revokeToken(network.value.id, id, { actor, requestId, at: ports.wall() }))
    return done(undefined);
  return refuse('not-found', `The network ${networkName} has no token ${id}.`);
}

function viewToken(token: TokenRecord, now: number): TokenView {
  return {
    id: token.id,
    state: stateOf(token, now),
    remaining: token.remaining,
    name: token.hostName,
    pattern: token.namePattern,
    routes: [...token.routes],
    tags: [...token.tags],
    ephemeral: token.ephemeral,
    hostLifetime: token.hostLifetimeSeconds,
    createdAt: new Date(token.createdAt).toISOString(),
    expiresAt: new Date(token.expiresAt).toISOString(),
  };
}

function stateOf(token: TokenRecord, now: number): TokenView['state'] {
  if (isGood(token, now)) return 'good';
  if (token.revokedAt !== null) return 'revoked';
  return token.remaining > 0 ? 'expired' : 'used';
}
