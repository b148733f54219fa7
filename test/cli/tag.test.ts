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
  const run = async (...args: string[]) => {
    const output = { stdout: '', stderr: '' };
    const terminal = {
      stdout: (text: string) => void (output.stdout += text),
      stderr: (text: string) => void (output.stderr += text),
      columns: 80,
    };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = { terminal, http, processes: { env } } as unknown as Ports; // all that it touches
    return { exitCode: await runProgram([...args, '--network', 'home'], ports), ...output };
  };
  const tagsOf = async (name: string) =>
    expectStatus(200, await lab.ask('GET', `/v1/networks/home/hosts/${name}`)).read(HostView).tags;
  return { run, tagsOf };
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
});
