/** The administrator's side of the command line: where the key is kept, and how the registry is asked. */
import type { z } from 'zod';
import { jsonRequest, parseJson, refusal, type RegistryAnswer, type RegistryRequest } from '../agent/exchange.ts';
import { encodeHex } from '../bytes.ts';
import { UserError } from '../errors.ts';
import { NetworkList } from '../registry/wire.ts';
import type { Ports } from './ports.ts';
import { withProgress } from './progress.ts';
import { callRegistry } from './registry-call.ts';

/** Of a request that may be sent again. */
const ATTEMPTS = 3;
const PAUSE_MS = 500;

export interface Login {
  /** Without a slash at the end. */
  registry: string;
  adminKey: string;
}

export function loginPath({ processes: { env } }: Ports): string {
  return `${env['XDG_CONFIG_HOME'] ?? `${env['HOME'] ?? '.'}/.config`}/peerage/login.json`;
}

/** PEERAGE_REGISTRY and PEERAGE_ADMIN_KEY, or what `peerage login` stored. */
export async function readLogin(ports: Ports): Promise<Login> {
  const { PEERAGE_REGISTRY: registry, PEERAGE_ADMIN_KEY: adminKey } = ports.processes.env;
  if (registry !== undefined && adminKey !== undefined) return { registry: registry.replace(/\/+$/, ''), adminKey };
  const path = loginPath(ports);
  const text = await ports.files.read(path);
  if (text === undefined)
    throw new UserError('you are not logged in to a registry', { remedy: 'Type: peerage login URL' });
  const stored = parseJson(text);
  if (isLogin(stored)) return stored;
  throw new UserError(`${path} is damaged`, { remedy: 'Type again: peerage login URL' });
}

export interface AdminRequest<T> {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  body?: unknown;
  /** The ETag of what was read before it is changed. */
  ifMatch?: string;
  /** What the answer is; left out when there is nothing to read. */
  answer?: z.ZodType<T>;
  /** For the message when it fails: `remove "teddy"`. */
  intent: string;
}

/** Throws a UserError with the registry's own words when it refuses. */
export async function askRegistry<T>(ports: Ports, login: Login, request: AdminRequest<T>): Promise<T> {
  const { method, path, body, ifMatch, intent } = request;
  const call = jsonRequest({ method, path, credential: login.adminKey, body });
  if (ifMatch !== undefined) call.headers['if-match'] = ifMatch;
  const ask = () => (method === 'POST' ? callOnce(ports, login, call) : callRegistry(ports, login.registry, call));
  const answer = await withProgress(ports, () => `Waiting for ${login.registry}`, ask);
  if (answer.status < 200 || answer.status > 299)
    throw refusal(answer, intent, 'Log in with an admin key that is good: peerage login URL');
  if (request.answer === undefined) return undefined as T; // nobody asked for anything
  const parsed = request.answer.safeParse(parseJson(answer.body));
  if (parsed.success) return parsed.data;
  throw new UserError(`${login.registry} does not answer like a Peerage registry`, {
    remedy: 'Check the address: its page /healthz should answer.',
  });
}

/**
 * Something new is made once, even when the answer is lost on its way and the request sent again: by its Idempotency-Key the
 * registry knows it. An older registry, which does not, makes it twice at worst; the first of them nobody has seen.
 */
async function callOnce(ports: Ports, { registry }: Login, call: RegistryRequest): Promise<RegistryAnswer> {
  call.headers['idempotency-key'] = encodeHex(ports.random(16));
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === ATTEMPTS;
    try {
      const answer = await callRegistry(ports, registry, call);
      if (isLast || !isWorthRepeating(answer)) return answer;
    } catch (error) {
      if (isLast || !(error instanceof UserError)) throw error;
    }
    await ports.services.sleep(PAUSE_MS * attempt);
  }
}

/** A proxy lost it, or the first try is still under way. */
function isWorthRepeating(answer: RegistryAnswer): boolean {
  return (
    [502, 503, 504].includes(answer.status) || (answer.status === 409 && answer.headers.get('retry-after') !== null)
  );
}

/** The network that was named, or the only one there is. */
export async function chooseNetwork(ports: Ports, login: Login, name: string | undefined): Promise<string> {
  if (name !== undefined) return name;
  const request = { method: 'GET', path: '/v1/networks', answer: NetworkList, intent: 'list the networks' } as const;
  const { networks } = await askRegistry(ports, login, request);
  const [first, ...others] = networks;
  if (first === undefined)
    throw new UserError('the registry has no network yet', { remedy: 'Type: peerage network add home' });
  if (others.length === 0) return first.name;
  throw new UserError(`the registry has several networks: ${networks.map((network) => network.name).join(', ')}`, {
    remedy: 'Say which: --network NAME',
    exitCode: 2,
  });
}

/** Asks before something is taken away; with nobody to ask it is not done. */
export async function confirm(ports: Ports, question: string, yes: boolean): Promise<void> {
  if (yes) return;
  const answer = await askWhether(ports, question);
  if (answer === undefined)
    throw new UserError(`there is nobody to ask: ${question}`, {
      remedy: 'Nothing was changed. Say yes beforehand: --yes',
    });
  if (!answer) throw new UserError('nothing was changed');
}

/** Undefined when there is nobody to ask. */
export async function askWhether({ terminal }: Ports, question: string): Promise<boolean | undefined> {
  const answer = await terminal.ask(`${question} [y/N] `);
  return answer === undefined ? undefined : /^y(es)?$/i.test(answer.trim());
}

function isLogin(value: unknown): value is Login {
  if (typeof value !== 'object' || value === null) return false;
  const { registry, adminKey } = value as Partial<Record<keyof Login, unknown>>; // read, not believed
  return typeof registry === 'string' && typeof adminKey === 'string';
}
