/** `peerage why A B`, as a process, against a registry. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { NetworkView } from '../../src/registry/wire.ts';
import { expectStatus, someKey, startLab } from '../registry/lab.ts';
import { peerage } from './peerage.ts';

/** A network with two hosts that have these tags. */
async function startPair(t: TestContext, tags: readonly [string[], string[]], lifetime?: number) {
  const lab = await startLab(t);
  lab.clock.now = Date.now(); // the command looks at its own clock
  const settings = { name: 'work', ranges: ['10.9.0.0/24'], ...(lifetime !== undefined && { hostLifetime: lifetime }) };
  expectStatus(201, await lab.ask('POST', '/v1/networks', { body: settings }));
  const add = (name: string, ownTags: string[], rest: object) => {
    const body = { name, publicKey: someKey(), tags: ownTags, ...rest };
    return lab.ask('POST', '/v1/networks/work/hosts', { body });
  };
  expectStatus(
    201,
    await add('dolores', tags[0], { endpoint: 'dolores.example.net:51000', routes: ['172.27.88.0/24'] }),
  );
  expectStatus(201, await add('teddy', tags[1], {}));
  const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey, HOME: '/nonexistent' };
  return {
    lab,
    why: (...args: string[]) => peerage(['why', ...args, '--network', 'work'], { env }),
    setRules: async (rules: { from: string[]; to: string[] }[]) => {
      const path = '/v1/networks/work';
      const { revision } = expectStatus(200, await lab.ask('GET', path)).read(NetworkView);
      expectStatus(200, await lab.ask('PATCH', path, { headers: { 'if-match': `"${revision}"` }, body: { rules } }));
    },
  };
}

describe('peerage why', () => {
  test('says that two hosts see each other, where each is, and what lies behind it', async (t) => {
    const { why } = await startPair(t, [[], []]);
    const { exitCode, stdout, stderr } = await why('teddy', 'dolores');
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(stdout.split('\n'), [
      'teddy and dolores see each other.',
      '- there are no rules: everybody sees everybody',
      '- nobody knows where teddy is reached: it has to speak first',
      '- dolores says that it is reached at dolores.example.net:51000',
      '- behind dolores: 172.27.88.0/24',
      '',
    ]);
  });

  test('names the rule that lets them, or says that none does, with exit code 1', async (t) => {
    const { why, setRules } = await startPair(t, [['servers'], ['office', 'staff']]);
    await setRules([
      { from: ['office'], to: ['servers'] },
      { from: ['guests'], to: ['guests'] },
    ]);
    const seen = await why('dolores', 'teddy');
    assert.equal(seen.exitCode, 0, seen.stderr);
    assert.match(seen.stdout, /the rule office:servers lets them: dolores is servers, teddy is office, staff/);
    await setRules([{ from: ['guests'], to: ['*'] }]);
    const unseen = await why('dolores', 'teddy');
    assert.deepEqual([unseen.exitCode, unseen.stderr], [1, '']);
    assert.match(unseen.stdout, /^dolores and teddy do not see each other\.\n- no rule lets them: dolores is servers/);
    const told = JSON.parse((await why('dolores', 'teddy', '--json')).stdout);
    assert.deepEqual([told.hosts, told.seen, told.obstacles.length], [['dolores', 'teddy'], false, 1]);
  });

  test('says whose time is up, and what to do', async (t) => {
    const { lab, why } = await startPair(t, [[], []], 60);
    lab.clock.now -= 3_600_000; // as if they had come an hour ago
    const add = { name: 'maeve', publicKey: someKey() };
    expectStatus(201, await lab.ask('POST', '/v1/networks/work/hosts', { body: add }));
    const { exitCode, stdout } = await why('maeve', 'dolores');
    assert.equal(exitCode, 1);
    assert.match(stdout, /- the time of maeve was up at 20\S+Z: peerage renew maeve\n/);
    assert.doesNotMatch(stdout, /the time of dolores/);
  });

  test('one host, and a host that nobody knows, are errors that say so', async (t) => {
    const { why } = await startPair(t, [[], []]);
    assert.match((await why('teddy', 'teddy')).stderr, /"teddy" is one host\n {2}Name two\./);
    const { exitCode, stdout, stderr } = await why('teddy', 'william');
    assert.deepEqual([exitCode, stdout], [1, '']);
    assert.match(stderr, /look at "william"/);
  });
});
