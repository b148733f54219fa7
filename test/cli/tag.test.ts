/** `peerage tag`, and what `peerage network rules` says of hosts without one, in this process, against a registry. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { http } from '../../runtime/linux/http.ts';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { HostView } from '../../src/registry/wire.ts';
import { expectStatus, someKey, startLab } from '../registry/lab.ts';

/** A network with three hosts, none of which has a tag. */
async function startThree(t: TestContext) {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 3 });
  for (const name of ['dolores', 'maeve', 'teddy'])
    // oxlint-disable-next-line no-await-in-loop -- one after the other is as quick
    await lab.enrol(token, { name, publicKey: someKey() });
  /** What the person at the terminal says; undefined: there is nobody. */
  const desk: { answer: string | undefined; questions: string[] } = { answer: undefined, questions: [] };
  const run = async (...args: string[]) => {
    const output = { stdout: '', stderr: '' };
    const terminal = {
      stdout: (text: string) => void (output.stdout += text),
      stderr: (text: string) => void (output.stderr += text),
      columns: 80,
      async ask(question: string) {
        desk.questions.push(question);
        return desk.answer;
      },
    };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = { terminal, http, processes: { env } } as unknown as Ports; // all that it touches
    return { exitCode: await runProgram([...args, '--network', 'home'], ports), ...output };
  };
  const tagsOf = async (name: string) =>
    expectStatus(200, await lab.ask('GET', `/v1/networks/home/hosts/${name}`)).read(HostView).tags;
  return { run, tagsOf, desk };
}

describe('peerage tag', () => {
  test('sets all tags of a host that is in, shows them, and takes them away', async (t) => {
    const { run, tagsOf } = await startThree(t);
    const set = await run('tag', 'teddy', 'staff', 'office');
    assert.deepEqual([set.exitCode, set.stdout], [0, 'office staff\n'], set.stderr);
    assert.deepEqual(await tagsOf('teddy'), ['office', 'staff']);
    const shown = await run('tag', 'teddy', '--json');
    assert.deepEqual(JSON.parse(shown.stdout), { host: 'teddy', tags: ['office', 'staff'] });
    assert.deepEqual(await tagsOf('teddy'), ['office', 'staff'], 'to look changes nothing');
    const cleared = await run('tag', 'teddy', '--clear');
    assert.deepEqual([cleared.exitCode, cleared.stderr], [0, '"teddy" has no tag.\n']);
    assert.deepEqual(await tagsOf('teddy'), []);
  });

  test('says what is wrong: no such host, no such tag, both ways at once', async (t) => {
    const { run, tagsOf } = await startThree(t);
    const nobody = await run('tag', 'bernard', 'office');
    assert.deepEqual([nobody.exitCode, nobody.stdout], [1, '']);
    assert.match(nobody.stderr, /refused to set the tags of "bernard": .*no host bernard/);
    const odd = await run('tag', 'teddy', 'Not a tag');
    assert.equal(odd.exitCode, 1);
    assert.match(odd.stderr, /#\/tags\/0/);
    assert.equal((await run('tag', 'teddy', 'office', '--clear')).exitCode, 2);
    assert.deepEqual(await tagsOf('teddy'), []);
  });
});

describe('peerage network rules', () => {
  test('names the hosts that nobody sees by the new rules, and no others', async (t) => {
    const { run } = await startThree(t);
    const blind = await run('network', 'rules', 'office:servers');
    assert.equal(blind.exitCode, 0);
    assert.match(blind.stderr, /nobody sees dolores, maeve, teddy\.\n {2}.*peerage tag HOST TAG\n/);
    await run('tag', 'teddy', 'office');
    await run('tag', 'dolores', 'servers');
    assert.match((await run('network', 'rules', 'office:servers')).stderr, /nobody sees maeve\.\n/);
    await run('tag', 'maeve', 'servers');
    assert.equal((await run('network', 'rules', 'office:servers')).stderr, '');
    assert.equal((await run('network', 'rules')).stderr, '');
  });

  test('asks a person before it takes hosts out of sight, once, and does as it is told', async (t) => {
    const { run, desk } = await startThree(t);
    const rulesNow = async () => JSON.parse((await run('network', 'rules', '--json')).stdout) as unknown;
    desk.answer = 'n';
    const refused = await run('network', 'rules', 'office:servers');
    assert.deepEqual([refused.exitCode, refused.stdout, await rulesNow()], [1, '', null]);
    assert.match(refused.stderr, /nothing was changed\n.*peerage tag HOST TAG/);
    assert.deepEqual(desk.questions, ['By these rules nobody sees dolores, maeve, teddy. Set them? [y/N] ']);
    desk.answer = 'y';
    const told = await run('network', 'rules', 'office:servers');
    assert.deepEqual([told.exitCode, told.stderr, desk.questions.length], [0, '', 2]);
    const rules = [{ from: ['office'], to: ['servers'] }];
    assert.deepEqual(await rulesNow(), rules);
    const same = await run('network', 'rules', 'office:servers');
    assert.deepEqual([same.exitCode, desk.questions.length], [0, 2], 'nobody saw them before either');
    assert.match(same.stderr, /^Warning: by these rules nobody sees/);
  });

  test('does not ask who has said yes beforehand, nor about rules that cut nobody off', async (t) => {
    const { run, desk } = await startThree(t);
    desk.answer = 'n';
    assert.equal((await run('network', 'rules', '*:*')).exitCode, 0);
    assert.equal((await run('network', 'rules', '--clear')).exitCode, 0);
    const forced = await run('network', 'rules', 'office:servers', '--yes');
    assert.deepEqual([forced.exitCode, desk.questions], [0, []]);
    assert.match(forced.stderr, /^Warning: by these rules nobody sees dolores, maeve, teddy\.\n/);
  });
});
