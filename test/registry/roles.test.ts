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

  test('a host key of one network reads nothing of another, whatever it puts into the request', async (t) => {
    const lab = await startLab(t);
    const { hostKey } = await lab.enrol(await lab.token());
    const body = { name: 'maeve', publicKey: someKey(), role: 'admin', network: 'work' };
    expectProblem('forbidden', await lab.ask('POST', '/v1/networks/home/hosts', { as: hostKey, body }));
    const token = await lab.token();
    expectProblem('invalid', await lab.ask('POST', '/v1/enroll', { as: token, body }));
  });
});
