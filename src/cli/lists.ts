/** The lists of a registry, however many pages they come in. */
import type { z } from 'zod';
import { UserError } from '../errors.ts';
import { AuditList, type AuditEntry, type AuditQuery } from '../registry/wire-audit.ts';
import {
  HostList,
  MAX_PAGE,
  NetworkList,
  TokenList,
  type HostView,
  type NetworkView,
  type TokenView,
} from '../registry/wire.ts';
import { askRegistry, type Login } from './admin.ts';
import type { Ports } from './ports.ts';

export async function listNetworks(ports: Ports, login: Login): Promise<NetworkView[]> {
  const pathOf = after('/v1/networks');
  const pages = await askForAll(ports, login, { pathOf, answer: NetworkList, intent: 'list the networks' });
  return pages.flatMap(({ networks }) => networks);
}

export async function listHosts(ports: Ports, login: Login, network: string): Promise<HostView[]> {
  const pathOf = after(`/v1/networks/${encodeURIComponent(network)}/hosts`);
  const pages = await askForAll(ports, login, { pathOf, answer: HostList, intent: 'list the hosts' });
  return pages.flatMap(({ hosts }) => hosts);
}

export async function listTokens(ports: Ports, login: Login, network: string): Promise<TokenView[]> {
  const pathOf = after(`/v1/networks/${encodeURIComponent(network)}/tokens`);
  const pages = await askForAll(ports, login, { pathOf, answer: TokenList, intent: 'list the tokens' });
  return pages.flatMap(({ tokens }) => tokens);
}

/** `limit` entries, if there are so many; `next` is where older ones begin. */
export async function listAudit(
  ports: Ports,
  login: Login,
  { limit, ...filter }: AuditQuery & { limit: number },
): Promise<AuditList> {
  const entries: AuditEntry[] = [];
  const pages = await askForAll(ports, login, {
    pathOf(before: number | undefined) {
      const page = { ...filter, ...(before !== undefined && { before }), limit: Math.min(limit, MAX_PAGE) };
      return `/v1/audit?${new URLSearchParams(Object.entries(page).map(([name, value]) => [name, String(value)]))}`;
    },
    answer: AuditList,
    intent: 'show the audit log',
    isEnough: (page) => entries.push(...page.entries) >= limit,
  });
  const older = entries.length > limit ? (entries[limit - 1]?.id ?? null) : (pages.at(-1)?.next ?? null);
  return { entries: entries.slice(0, limit), next: older };
}

interface Pages<T, Next> {
  /** Undefined for the first; otherwise what the page before has named. */
  readonly pathOf: (next: Next | undefined) => string;
  readonly answer: z.ZodType<T>;
  readonly intent: string;
  readonly isEnough?: (page: T) => boolean;
}

async function askForAll<Next extends string | number, T extends { next?: Next | null | undefined }>(
  ports: Ports,
  login: Login,
  { pathOf, answer, intent, isEnough = () => false }: Pages<T, Next>,
): Promise<T[]> {
  const pages: T[] = [];
  const named = new Set<Next>();
  let next: Next | undefined;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each page names the next
    const page = await askRegistry(ports, login, { method: 'GET', path: pathOf(next), answer, intent });
    pages.push(page);
    if (isEnough(page)) break;
    next = page.next ?? undefined;
    if (next === undefined) break;
    // Something on the way that loses the query of an address, for one, would give the first page for ever.
    if (named.has(next))
      throw new UserError(`cannot ${intent}: ${login.registry} names the same page twice`, {
        remedy: 'Look at the proxy before it, if there is one: what follows a "?" has to reach the registry.',
      });
    named.add(next);
  }
  return pages;
}

const after = (path: string) => (name: string | undefined) =>
  name === undefined ? path : `${path}?after=${encodeURIComponent(name)}`;
