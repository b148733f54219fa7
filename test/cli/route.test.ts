/** `peerage route approve` and `rm`, in this process, with a person at the terminal, against a registry. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { http } from '../../runtime/linux/http.ts';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { HostView } from '../../src/registry/wire.ts';
import { expectStatus, someKey, startLab } from '../registry/lab.ts';

/** A host that asks for two networks. `ask` answers questions; without it there is nobody at the terminal. */
async function startRequest(t: TestContext) {
  const lab = await startLab(t);
  const path = '/v1/networks/home';
  const { hostKey } = await lab.enrol(await lab.token(), {
    name: 'charlotte',
    publicKey: someKey(),
    routes: ['172.27.88.0/24', '192.168.7.0/24'],
  });
  const run = async (verb: 'approve' | 'rm', args: readonly string[], ask?: (question: string) => Promise<string>) => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const terminal = { stdout: say, stderr: say, columns: 80, ask: async (question: string) => ask?.(question) };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = { terminal, http, processes: { env } } as unknown as Ports; // all that it touches
    const exitCode = await runProgram(['route', verb, 'charlotte', '--network', 'home', ...args], ports);
    return { exitCode, said: said.join('') };
  };
  return {
    approve: (args: readonly string[], ask?: (question: string) => Promise<string>) => run('approve', args, ask),
    remove: (args: readonly string[]) => run('rm', args),
    askFor: async (routes: readonly string[]) =>
      expectStatus(200, await lab.ask('PATCH', '/v1/self', { as: hostKey, body: { routes } })),
    routes: async () => expectStatus(200, await lab.ask('GET', `${path}/hosts/charlotte`)).read(HostView).routes,
  };
}

describe('peerage route approve, without naming what', () => {
  test('shows what it approves, and asks', async (t) => {
    const { approve, routes } = await startRequest(t);
    const questions: string[] = [];
    const answer = (text: string) => async (question: string) => {
      questions.push(question);
      return text;
    };
    const refused = await approve([], answer('n'));
    assert.deepEqual([refused.exitCode, await routes()], [1, []], refused.said);
    assert.match(questions[0]!, /172\.27\.88\.0\/24, 192\.168\.7\.0\/24 to "charlotte"/);
    const approved = await approve([], answer('y'));
    assert.deepEqual([approved.exitCode, await routes()], [0, ['172.27.88.0/24', '192.168.7.0/24']], approved.said);
  });

  test('does nothing with nobody to ask, but says what it would do', async (t) => {
    const { approve, routes } = await startRequest(t);
    const { exitCode, said } = await approve([]);
    assert.deepEqual([exitCode, await routes()], [1, []]);
    assert.match(said, /nobody to ask: .*172\.27\.88\.0\/24, 192\.168\.7\.0\/24[^]*--yes/);
    assert.equal((await approve(['--yes'])).exitCode, 0);
    assert.deepEqual(await routes(), ['172.27.88.0/24', '192.168.7.0/24']);
  });

  test('approves nothing that the host asks for while the person reads the question', async (t) => {
    const { approve, askFor, routes } = await startRequest(t);
    const { exitCode, said } = await approve([], async () => {
      await askFor(['172.27.88.0/24', '0.0.0.0/0']);
      return 'y';
    });
    assert.deepEqual([exitCode, await routes()], [1, []], said);
    assert.match(said, /charlotte/);
  });

  test('asks nothing about those that are named', async (t) => {
    const { approve, routes } = await startRequest(t);
    const { exitCode, said } = await approve(['192.168.7.0/24']);
    assert.deepEqual([exitCode, await routes()], [0, ['192.168.7.0/24']], said);
  });
});

test('peerage route rm says what it took back', async (t) => {
  const { approve, remove, routes } = await startRequest(t);
  await approve(['172.27.88.0/24']);
  const { exitCode, said } = await remove(['172.27.88.0/24', '192.168.7.0/24']);
  assert.deepEqual([exitCode, await routes()], [0, []]);
  assert.match(said, /"charlotte" any more: 172\.27\.88\.0\/24, 192\.168\.7\.0\/24\n/);
  const again = await remove(['192.168.7.0/24']);
  assert.deepEqual([again.exitCode, again.said.includes('any more')], [1, false]);
});
