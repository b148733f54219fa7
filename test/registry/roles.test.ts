/** Who may do what, for every operation of the document, so that a new route cannot be forgotten. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { expectProblem, expectStatus, someKey, startLab } from './lab.ts';
import { operationsOf } from './operations.ts';

const HOLDERS = ['adminKey', 'enrolmentToken', 'hostKey', 'nobody'] as const;

describe('roles', () => {
  test('every operation lets in the role that it names, and nobody else', async (t) => {
    const lab = await startLab(t);
    const operations = operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text));
    assert(operations.length >= 18, 'the document lists the operations');
    for (const [i, { method, path, roles, body }] of operations.entries()) {
      // Anew each time: some operations spend what they are given.
      const { hostKey } = await lab.enrol(await lab.token(), { name: `host-${i}` });
      const credentials = { adminKey: lab.adminKey, enrolmentToken: await lab.token(), hostKey, nobody: null };
      const target = path
        .replace('{network}', 'nowhere')
        .replace('{host}', 'nobody')
        .replace('{token}', path === '/{token}' ? credentials.enrolmentToken : 'pgt_aaaaaaaa');
      for (const holder of HOLDERS) {
        const answer = await lab.ask(method, target, { as: credentials[holder], ...(body && { body: {} }) });
        const what = `${method} ${path} as ${holder}`;
        if (roles.length === 0 || roles.includes(holder)) assert(![401, 403].includes(answer.status), what);
        else if (holder === 'nobody') expectProblem('unauthorized', expectStatus(401, answer));
        else expectProblem('forbidden', expectStatus(403, answer));
      }
    }
  });

  test('a credential counts as a bearer token in Authorization, and nowhere else', async (t) => {
    const lab = await startLab(t);
    const { hostKey } = await lab.enrol(await lab.token());
    expectStatus(200, await lab.ask('GET', '/v1/peers', { as: null, headers: { authorization: `bearer ${hostKey}` } }));
    for (const [path, key] of [
      ['/v1/peers', hostKey],
      ['/v1/networks', lab.adminKey],
    ] as const) {
      for (const name of ['access_token', 'token', 'key', 'authorization'])
        expectProblem('unauthorized', await lab.ask('GET', `${path}?${name}=${key}`, { as: null }));
      const places = {
        authorization: [`Basic ${btoa(`x:${key}`)}`, `Token ${key}`, key, `Bearer x, Bearer ${key}`],
        cookie: [`key=${key}`, `authorization=Bearer ${key}`],
        'x-api-key': [key],
        'proxy-authorization': [`Bearer ${key}`],
      };
      for (const [name, values] of Object.entries(places))
        for (const value of values)
          expectProblem('unauthorized', await lab.ask('GET', path, { as: null, headers: { [name]: value } }));
    }
  });

  test('a host key of one network reads nothing of another, whatever it puts into the request', async (t) => {
    const lab = await startLab(t);
    const { hostKey } = await lab.enrol(await lab.token());
    const body = { name: 'maeve', publicKey: someKey(), role: 'admin', network: 'work' };
    expectProblem('forbidden', await lab.ask('POST', '/v1/networks/home/hosts', { as: hostKey, body }));
    const token = await lab.token();
    expectProblem('invalid', await lab.ask('POST', '/v1/enroll', { as: token, body }));
  });
});
