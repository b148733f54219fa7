/** What the documents say of the registry's API is what its OpenAPI document says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startLab } from '../registry/lab.ts';
import { operationsOf, type Operation } from '../registry/operations.ts';
import { curlCalls, type CurlCall } from './curl-calls.ts';
import { readDocuments, readGuide, ROOT, tableRows } from './markdown.ts';

const ROLES: Readonly<Record<string, string>> = { adminKey: 'admin', enrolmentToken: 'token', hostKey: 'host' };

async function readOperations(t: TestContext): Promise<Operation[]> {
  const lab = await startLab(t);
  const { text } = await lab.ask('GET', '/openapi.json', { as: null });
  return operationsOf(JSON.parse(text) as Parameters<typeof operationsOf>[0]);
}

function matches(operation: Operation, { method, url }: CurlCall): boolean {
  if (operation.method !== method) return false;
  const pattern = operation.path.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.');
  return new RegExp(`^${pattern}$`).test(url.pathname);
}

test('every curl command of the documents asks for something that exists, with fields that exist', async (t) => {
  const operations = await readOperations(t);
  const calls = readDocuments().flatMap(curlCalls);
  assert.ok(calls.length > 25, `only ${calls.length} were found`);
  for (const call of calls) {
    const where = `${call.line.at}: ${call.method} ${call.url.pathname}`;
    // A path of its own goes before one that is a parameter: /healthz is no token.
    const operation = operations.filter((candidate) => matches(candidate, call)).sort(bySpecificity)[0];
    assert.ok(operation !== undefined, where);
    const parameters = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    for (const name of call.url.searchParams.keys()) assert.ok(parameters.includes(name), `${where}: ${name}`);
    for (const name of Object.keys(call.fields))
      assert.ok(name in (operation.body?.properties ?? {}), `${where}: ${name}`);
  }
});

test('every call is shown with curl', async (t) => {
  const calls = readDocuments().flatMap(curlCalls);
  const versioned = (await readOperations(t)).filter(({ path }) => path.startsWith('/v1/'));
  for (const operation of versioned)
    assert.ok(
      calls.some((call) => matches(operation, call)),
      `${operation.method} ${operation.path}`,
    );
});

test('the table of calls has each of them, with who may call it', async (t) => {
  const rows = tableRows(readGuide('registry'), 'call', 'who', 'does');
  const documented = rows.map(([call = '', who]) => `${call.replaceAll('`', '')}: ${who}`);
  const operations = await readOperations(t);
  const offered = operations.map(({ method, path, roles }) => {
    const who = roles.map((role) => ROLES[role]).join(', ');
    return `${method} ${path}: ${who === '' ? 'anybody' : who}`;
  });
  // The document lists neither itself nor what is for people.
  const besides = ['/', '/docs', '/openapi.json'].map((path) => `GET ${path}: anybody`);
  assert.deepEqual(documented.sort(), [...offered, ...besides].sort());
});

test('the table of errors has each type that there is, with its status', () => {
  const source = readFileSync(join(ROOT, 'src/registry/problem.ts'), 'utf8');
  const types = [...source.matchAll(/^ {2}'?([a-z-]+)'?: \[(\d{3}), '/gm)].map(
    ([, type, status]) => `${type} ${status}`,
  );
  assert.ok(types.length > 15, `only ${types.length} were found in the source`);
  const rows = tableRows(readGuide('registry'), 'type', 'status');
  const documented = rows.map(([type = '', status]) => `${type.replaceAll('`', '')} ${status}`);
  assert.deepEqual(documented.sort(), types.sort());
});

function bySpecificity(a: Operation, b: Operation): number {
  return Number(a.path.includes('{')) - Number(b.path.includes('{'));
}
