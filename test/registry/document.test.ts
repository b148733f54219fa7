/** The OpenAPI document: it is valid, and the registry keeps to it whatever it is sent. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import * as fc from 'fast-check';
import { requestsOf, type ArbitraryRequest } from './arbitrary-request.ts';
import { expectStatus, startLab, type Lab } from './lab.ts';
import { operationsOf, type Operation } from './operations.ts';

const RUNS_PER_OPERATION = 50;
/** Each with at most as many hosts as it has runs: so many fit the network of a lab, and to start one takes workerd a second. */
const OPERATIONS_OF_A_LAB = 4;

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async (t) => {
    const lab = await startLab(t);
    const document = JSON.parse(expectStatus(200, await lab.ask('GET', '/openapi.json', { as: null })).text);
    assert.equal(document.openapi, '3.1.0');
    const { valid, errors } = await new Validator().validate(document);
    assert(valid, JSON.stringify(errors));
  });

  test('says of every parameter, and of every header that it takes, what it is', async (t) => {
    const lab = await startLab(t);
    const operations = operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text));
    const unsaid = operations.flatMap(({ method, path, parameters }) =>
      parameters
        .filter(({ description, schema }) => (description ?? schema.description ?? '').length < 10)
        .map(({ in: place, name }) => `${method} ${path}: ${name} in its ${place}`),
    );
    assert.deepEqual(unsaid, []);
    // What makes an answer depend on what the client has seen is named where it counts.
    const taking = (header: string) =>
      operations.filter(({ parameters }) => parameters.some(({ name }) => name.toLowerCase() === header)).length;
    const giving = (status: number) => operations.filter(({ responses }) => responses[status] !== undefined).length;
    assert.deepEqual([taking('if-match'), taking('if-none-match')], [giving(412), giving(304)]);
  });

  test('names every answer that arbitrary requests get, and none is a failure of the registry', async (t) => {
    let lab = await startLab(t);
    const operations = operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text));
    for (const [i, operation] of operations.entries()) {
      // Hosts that many operations need would fill one network.
      if (i > 0 && i % OPERATIONS_OF_A_LAB === 0) {
        await lab.close();
        lab = await startLab(t);
      }
      const seen = new Set<number>();
      const property = fc.asyncProperty(requestsOf(operation), async (request) => {
        seen.add(await checkedStatus(lab, operation, request));
      });
      await fc.assert(property, { numRuns: RUNS_PER_OPERATION, seed: 1 });
      // Otherwise the requests were all of a kind, and this test has shown little.
      if (operation.roles.length > 0) assert(seen.has(401) && seen.size > 1, `${operation.method} ${operation.path}`);
    }
  });
});

async function checkedStatus(lab: Lab, operation: Operation, request: ArbitraryRequest): Promise<number> {
  await lab.ask('POST', '/v1/networks', { body: { name: 'home' } }); // an earlier request may have removed it
  const others = { wrong: `pga_${'x'.repeat(43)}`, none: null };
  const as = request.as === 'right' ? await credentialFor(lab, operation, request) : others[request.as];
  const { accept, contentType, body, path } = request;
  const headers = { accept, ...(contentType !== undefined && { 'content-type': contentType }) };
  const answer = await lab.ask(operation.method, path, { as, body, headers });
  const documented = operation.responses[answer.status];
  // 501 is the edge's answer to who wants a stream of events.
  const isFailure = answer.status >= 500 && answer.status !== 501;
  assert(!isFailure && documented !== undefined, `undocumented status ${answer.status}: ${answer.text}`);
  const mediaType = answer.headers.get('content-type')?.split(';')[0];
  const types = Object.keys(documented.content ?? {});
  assert(types.length === 0 ? answer.text === '' : types.includes(mediaType ?? ''), `undocumented type ${mediaType}`);
  lab.clock.now += 60_000; // so that refused credentials stay 401
  return answer.status;
}

/** One that opens the operation: of several, by turns. */
async function credentialFor(lab: Lab, { roles }: Operation, { turn }: ArbitraryRequest): Promise<string | null> {
  const role = roles[turn % Math.max(1, roles.length)];
  if (role === undefined) return null;
  if (role === 'adminKey') return lab.adminKey;
  const token = await lab.token();
  if (role === 'enrolmentToken') return token;
  // A name of its own for each host, which fast-check need not know to repeat a run.
  const name = `h${token
    .slice(4, 40)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '0')}`;
  return (await lab.enrol(token, { name })).hostKey;
}
