/** A one-time token that fifty hosts try at the same moment, a hundred times over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostList, TokenList } from '../../../src/registry/wire.ts';
import { expectStatus, someKey, startLab } from '../lab.ts';

const ROUNDS = 100;
const AT_ONCE = 50;

test(`a one-time token raced by ${AT_ONCE} requests, ${ROUNDS} times: one host each, and one address`, async (t) => {
  const lab = await startLab(t);
  for (let round = 0; round < ROUNDS; round++) {
    // oxlint-disable-next-line no-await-in-loop -- a race after the other
    const token = await lab.token();
    // oxlint-disable-next-line no-await-in-loop -- as above
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) =>
        lab.ask('POST', '/v1/enroll', { as: token, body: { name: `h${round}-${i}`, publicKey: someKey() } }),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 201).length, 1, `round ${round}: ${statuses.join()}`);
    // 429 after thirty refusals from one address.
    assert(
      statuses.every((status) => [201, 401, 429].includes(status)),
      `round ${round}: ${statuses.join()}`,
    );
    lab.clock.now += 60_000;
  }
  const { hosts } = expectStatus(200, await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList);
  assert.equal(hosts.length, ROUNDS);
  assert.equal(new Set(hosts.map(({ name }) => name.split('-')[0])).size, ROUNDS);
  assert.equal(new Set(hosts.flatMap(({ addresses }) => addresses)).size, 2 * ROUNDS);
  const { tokens } = (await lab.ask('GET', '/v1/networks/home/tokens')).read(TokenList);
  assert(tokens.every(({ remaining, state }) => remaining === 0 && state === 'used'));
});
