/** `peerage rm`, in this process, with a person at the terminal, against a registry. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { http } from '../../runtime/linux/http.ts';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { HostList, HostView } from '../../src/registry/wire.ts';
import { expectStatus, someKey, startLab } from '../registry/lab.ts';

async function startDesk(t: TestContext) {
  const lab = await startLab(t);
  const teddy = await lab.enrol(await lab.token(), { name: 'teddy' });
  /** With what was asked of the person, who says yes. */
  const run = async (...args: readonly string[]) => {
    const [out, messages, questions]: string[][] = [[], [], []];
    const terminal = {
      stdout: (text: string) => void out!.push(text),
      stderr: (text: string) => void messages!.push(text),
      columns: Infinity,
      ask: async (question: string) => {
        questions!.push(question);
        return 'y';
      },
    };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = { terminal, http, processes: { env } } as unknown as Ports; // all that it touches
    const exitCode = await runProgram(args, ports);
    return { exitCode, stdout: out!.join(''), stderr: messages!.join(''), questions: questions! };
  };
  const rm = (...args: readonly string[]) => run('rm', '--network', 'home', ...args);
  const names = async () => {
    const { hosts } = (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList);
    return hosts.map(({ name }) => name);
  };
  return { lab, run, rm, names, teddy };
}

describe('peerage rm', () => {
  test('shows which host it is before it asks', async (t) => {
    const { rm, names, teddy } = await startDesk(t);
    const { exitCode, questions, stderr } = await rm('teddy');
    assert.deepEqual([exitCode, await names(), questions.length], [0, [], 1], stderr);
    const [address = ''] = teddy.host.addresses;
    assert(questions[0]!.includes(`"teddy" (${address.slice(0, address.indexOf('/'))}`), questions[0]);
    assert.match(stderr, /peerage restore teddy/);
  });

  test('asks nothing about a host that there is not', async (t) => {
    const { rm, names } = await startDesk(t);
    const { exitCode, questions, stderr } = await rm('tedy');
    assert.deepEqual([exitCode, questions, await names()], [1, [], ['teddy']]);
    assert.match(stderr, /has no host tedy/);
  });

  test('of an exit leaves it closed for who has chosen it, and `peerage ls` shows that', async (t) => {
    const { lab, run, rm } = await startDesk(t);
    const berlin = { name: 'berlin', publicKey: someKey(), routes: ['0.0.0.0/0', '::/0'] };
    expectStatus(201, await lab.ask('POST', '/v1/networks/home/hosts', { body: berlin }));
    const user = { name: 'maeve', publicKey: someKey(), exit: 'berlin' };
    expectStatus(201, await lab.ask('POST', '/v1/networks/home/hosts', { body: user }));
    const shown = async () => /^maeve .*/m.exec((await run('ls', '--network', 'home')).stdout)?.[0];
    assert.match((await shown())!, / berlin  \S+$/);
    await rm('berlin', '--yes');
    assert.match((await shown())!, / berlin \(0\.0\.0\.0\/0 ::\/0 closed\)  \S+$/);
  });

  test('tells a machine what the host was', async (t) => {
    const { rm, names, teddy } = await startDesk(t);
    const { exitCode, stdout, questions } = await rm('teddy', '--yes', '--json');
    assert.deepEqual([exitCode, questions, await names()], [0, [], []]);
    assert.equal(HostView.parse(JSON.parse(stdout)).publicKey, teddy.host.publicKey);
  });
});
