/**
 * A registry for tests: a real one, over a real socket, on a database file of its own, with a wall clock that only the
 * test moves. It is gone when the test is.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Log } from '../../src/log.ts';
import type { z } from '@hono/zod-openapi';
import { Problem } from '../../src/registry/problem.ts';
import { isEdge, startEngine, type Edge, type EngineOptions } from './engines/engine.ts';
import { CreatedToken, Enrolled, type EnrolRequest, type NewToken } from '../../src/registry/wire.ts';

export interface Lab {
  readonly url: string;
  readonly databaseFile: string;
  readonly adminKey: string;
  /** Every line that the registry has logged, as text. */
  readonly logged: readonly string[];
  /** Milliseconds since 1970; the test may move it. */
  readonly clock: { now: number };
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>;
  /** A token for the network `home`, which is there from the start: 10.1.2.0/24 and fd00:1:2:3::/64, port 51000. */
  token(options?: NewToken): Promise<string>;
  enrol(token: string, facts?: Partial<EnrolRequest>): Promise<Enrolled>;
  /** All that is in the database, as text in whatever form. */
  stored(): Promise<string>;
  close(): Promise<void>;
  /** On workerd only. */
  readonly edge: Edge | undefined;
}

export interface AskOptions {
  /** A credential; the administrator's unless said, none when null. */
  as?: string | null;
  body?: unknown;
  /** Instead of a body in JSON. */
  form?: Record<string, string>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body, which has to fit the schema. */
  read<T>(schema: z.ZodType<T>): T;
}

/** workerd closes a connection whose body was refused unread, when the next request may be on its way over it. */
const ALONE = { connection: 'close' };

export async function startLab(t: TestContext, options: Pick<EngineOptions, 'hasBell'> = {}): Promise<Lab> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-registry-'));
  const databaseFile = join(folder, 'registry.db');
  const clock = { now: Date.UTC(2026, 0, 1) };
  const logged: string[] = [];
  const write = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const registry = await startEngine({ ...options, databaseFile, log, wall: () => clock.now });
  const { url, adminKey } = registry;
  assert(adminKey !== undefined, 'a new registry has a first administrator');
  t.after(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });

  const ask: Lab['ask'] = async (method, path, { as = adminKey, body, form, headers, signal } = {}) => {
    await registry.tellTime?.();
    const answer = await fetch(url + path, {
      method,
      headers: {
        ...(as !== null && { authorization: `Bearer ${as}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(isEdge && (body !== undefined || form !== undefined) && ALONE),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(form !== undefined && { body: new URLSearchParams(form) }),
      ...(signal !== undefined && { signal }),
    });
    const text = await textOf(answer);
    return { status: answer.status, headers: answer.headers, text, read: (schema) => schema.parse(JSON.parse(text)) };
  };

  const home = {
    name: 'home',
    suffix: 'vpn.example.net',
    ranges: ['10.1.2.0/24', 'fd00:1:2:3::/64'],
    listenPort: 51000,
  };
  assert.equal((await ask('POST', '/v1/networks', { body: home })).status, 201);
  return {
    url,
    databaseFile,
    adminKey,
    logged,
    clock,
    ask,
    stored: () => registry.stored(),
    close: () => registry.close(),
    edge: registry.edge,
    async token(options = {}) {
      return expectStatus(201, await ask('POST', '/v1/networks/home/tokens', { body: options })).read(CreatedToken)
        .token;
    },
    async enrol(token, facts = {}) {
      const body = { name: 'teddy', publicKey: someKey(), ...facts };
      const headers = { accept: 'application/json' };
      return expectStatus(201, await ask('POST', '/v1/enroll', { as: token, body, headers })).read(Enrolled);
    },
  };
}

/** The body; of a stream of events, which has no end, what comes first. */
async function textOf(answer: Response): Promise<string> {
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer.text();
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}

/** Looks like a public key, and is like no other. The registry never computes with keys. */
export function someKey(): string {
  return randomBytes(32).toString('base64');
}

/** The answer, if it has this status; otherwise the failure shows what it says. */
export function expectStatus(status: number, answer: Answer): Answer {
  assert.equal(answer.status, status, answer.text);
  return answer;
}

/** Checks that an answer is the problem of this name, and gives it. */
export function expectProblem(name: string, answer: Answer): Problem {
  assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/, answer.text);
  const problem = answer.read(Problem);
  assert.equal(problem.type, `urn:peerage:problem:${name}`, answer.text);
  assert.equal(problem.status, answer.status);
  return problem;
}
