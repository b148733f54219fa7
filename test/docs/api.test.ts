/** What the documents say of the registry's API is what its OpenAPI document says. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startLab } from '../registry/lab.ts';
import { operationsOf, type Operation } from '../registry/operations.ts';
import { fencedLines, readDocuments, readGuide, ROOT, tableRows, type Line } from './markdown.ts';

const ROLES: Readonly<Record<string, string>> = { adminKey: 'admin', enrolmentToken: 'token', hostKey: 'host' };

interface Call {
  line: Line;
  method: string;
  path: string;
  query: readonly string[];
  /** Names of the fields that are sent. */
  fields: readonly string[];
}

async function readOperations(t: TestContext): Promise<Operation[]> {
  const lab = await startLab(t);
  const { text } = await lab.ask('GET', '/openapi.json', { as: null });
  return operationsOf(JSON.parse(text) as Parameters<typeof operationsOf>[0]);
}

/** The requests that the curl commands of the documents make of a registry. */
function documentedCalls(): Call[] {
  return readDocuments().flatMap((document) =>
    fencedLines(document).flatMap((line) => {
      const [, url, rest = ''] = /\bcurl [^|]*?'?(https?:\/\/vpn\.example\.net[^\s'|]*)(.*)/.exec(line.text) ?? [];
      if (url === undefined) return [];
      const { pathname, searchParams } = new URL(url);
      const form = [...rest.matchAll(/--data-urlencode "?(\w+)=/g)].map((match) => match[1]!);
      const [, json] = /--json '([^']*)'/.exec(rest) ?? [];
      const fields = json === undefined ? form : Object.keys(JSON.parse(json) as object);
      const method = /-X ([A-Z]+)/.exec(line.text)?.[1] ?? (fields.length > 0 ? 'POST' : 'GET');
      return [{ line, method, path: pathname, query: [...searchParams.keys()], fields }];
    }),
  );
}

function matches(operation: Operation, { method, path }: Call): boolean {
  if (operation.method !== method) return false;
  const pattern = operation.path.replaceAll(/\{\w+\}/g, '[^/]+').replaceAll('.', '\\.');
  return new RegExp(`^${pattern}$`).test(path);
}

test('every curl command of the documents asks for something that exists, with fields that exist', async (t) => {
  const operations = await readOperations(t);
  const calls = documentedCalls();
  assert.ok(calls.length > 25, `only ${calls.length} were found`);
  for (const call of calls) {
    const where = `${call.line.at}: ${call.method} ${call.path}`;
    // A path of its own goes before one that is a parameter: /healthz is no token.
    const operation = operations.filter((candidate) => matches(candidate, call)).sort(bySpecificity)[0];
    assert.ok(operation !== undefined, where);
    const parameters = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
    for (const name of call.query) assert.ok(parameters.includes(name), `${where}: ${name}`);
    for (const name of call.fields) assert.ok(name in (operation.body?.properties ?? {}), `${where}: ${name}`);
  }
});

test('every call is shown with curl', async (t) => {
  const calls = documentedCalls();
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
  // The document does not list itself.
  assert.deepEqual(documented.sort(), [...offered, 'GET /openapi.json: anybody'].sort());
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
