/** Lists in pages: all of them together are the list, each thing once. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HostList, NetworkList, TokenList } from '../../src/registry/wire.ts';
import { expectProblem, expectStatus, startLab } from './lab.ts';

describe('lists', () => {
  test('come in pages of the size that was asked for, and end', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 7 });
    for (const name of ['d', 'b', 'g', 'a', 'f', 'c', 'e']) await lab.enrol(token, { name });
    // Made in the same millisecond, but for the first: only their ids tell them apart.
    lab.clock.now += 1;
    for (let i = 0; i < 6; i++) await lab.token();
    const hosts: string[][] = [];
    for (let query = '?limit=3'; ;) {
      const page = expectStatus(200, await lab.ask('GET', `/v1/networks/home/hosts${query}`)).read(HostList);
      hosts.push(page.hosts.map(({ name }) => name));
      if (page.next === null) break;
      query = `?limit=3&after=${page.next}`;
    }
    assert.deepEqual(hosts, [['a', 'b', 'c'], ['d', 'e', 'f'], ['g']]);
    for (const name of ['work', 'away']) expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name } }));
    const networks: string[][] = [];
    for (let query = '?limit=2'; ;) {
      const page = expectStatus(200, await lab.ask('GET', `/v1/networks${query}`)).read(NetworkList);
      networks.push(page.networks.map(({ name }) => name));
      if (typeof page.next !== 'string') break;
      query = `?limit=2&after=${page.next}`;
    }
    assert.deepEqual(networks, [['away', 'home'], ['work']]);
    const all = (await lab.ask('GET', '/v1/networks/home/tokens')).read(TokenList);
    assert.deepEqual([all.tokens.length, all.next, all.tokens.at(-1)?.id], [7, null, token.slice(0, 12)]);
    const ids: string[] = [];
    for (let query = '?limit=2'; ;) {
      const page = expectStatus(200, await lab.ask('GET', `/v1/networks/home/tokens${query}`)).read(TokenList);
      ids.push(...page.tokens.map(({ id }) => id));
      if (page.next === null) break;
      query = `?limit=2&after=${page.next}`;
    }
    assert.deepEqual(
      ids,
      all.tokens.map(({ id }) => id),
    );
  });

  test('of more than a thousand, or after nothing, are refused', async (t) => {
    const lab = await startLab(t);
    for (const query of ['limit=1001', 'limit=0', 'limit=all', 'after='])
      expectProblem('invalid', expectStatus(422, await lab.ask('GET', `/v1/networks/home/hosts?${query}`)));
  });
});
