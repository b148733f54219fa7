/** `peerage network set`, in this process, against a registry. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { http } from '../../runtime/linux/http.ts';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { NetworkPatch, NetworkView } from '../../src/registry/wire.ts';
import { expectStatus, startLab } from '../registry/lab.ts';

const WEEK = 7 * 86_400;

async function startDesk(t: TestContext) {
  const lab = await startLab(t);
  const read = async () => expectStatus(200, await lab.ask('GET', '/v1/networks/home')).read(NetworkView);
  const desk = { patches: [] as unknown[], beforePatch: async () => {} };
  const spied: typeof http = {
    ...http,
    async request(request) {
      if (request.method === 'PATCH') {
        desk.patches.push(JSON.parse(request.body!));
        await desk.beforePatch();
      }
      return http.request(request);
    },
  };
  const set = async (...args: readonly string[]) => {
    const output = { stdout: '', stderr: '' };
    const terminal = {
      stdout: (text: string) => void (output.stdout += text),
      stderr: (text: string) => void (output.stderr += text),
      columns: Infinity,
    };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = { terminal, http: spied, processes: { env } } as unknown as Ports; // all that it touches
    return { exitCode: await runProgram(['network', 'set', ...args], ports), ...output };
  };
  return { lab, desk, set, read };
}

describe('peerage network set', () => {
  test('changes what is named, and nothing else, and says what is so then', async (t) => {
    const { desk, set, read } = await startDesk(t);
    const before = await read();
    const kept = await set('home', '--keep', '30d', '--silence', '90s');
    assert.deepEqual(desk.patches, [{ hostLifetime: 2_592_000, silence: 90 }]);
    assert.equal(kept.exitCode, 0, kept.stderr);
    assert.match(kept.stdout, /^NETWORK +PORT +QUARANTINE +KEEP +GRACE +SILENCE\nhome +51000 +7d +30d +7d +90s\n$/);
    assert.match(kept.stderr, /come or are renewed from now on/);
    assert.deepEqual(await read(), { ...before, hostLifetime: 2_592_000, silence: 90, revision: before.revision + 1 });

    const rest = await set('home', '--port', '51001', '--quarantine', '0s', '--grace', '36h', '--keep', 'forever');
    assert.match(rest.stdout, /^home +51001 +0s +forever +36h +90s$/m);
    assert.match(rest.stderr, /^Hosts that are in keep the port/);
    const { listenPort, quarantine, grace, hostLifetime } = await read();
    assert.deepEqual([listenPort, quarantine, grace, hostLifetime], [51001, 0, 129_600, null]);
  });

  test('has an option for every setting that the registry takes, but the rules', async (t) => {
    const { desk, set } = await startDesk(t);
    const all = ['--port', '51001', '--quarantine', '7d', '--keep', '30d', '--grace', '7d', '--silence', '1h'];
    assert.equal((await set('home', ...all)).exitCode, 0);
    const settings = Object.keys(NetworkPatch.shape).filter((name) => name !== 'rules');
    assert.deepEqual(Object.keys(desk.patches[0]!).sort(), settings.sort());
  });

  test('without an option shows what is set, and writes nothing', async (t) => {
    const { desk, set, read } = await startDesk(t);
    const { revision } = await read();
    const { exitCode, stdout, stderr } = await set('home');
    assert.deepEqual([exitCode, stderr, desk.patches], [0, '', []]);
    assert.match(stdout, /^home +51000 +7d +forever +7d +1h$/m);
    assert.equal((await read()).revision, revision);
  });

  test('tells a machine the network as it is then', async (t) => {
    const { set, read } = await startDesk(t);
    const { exitCode, stdout, stderr } = await set('home', '--port', '51001', '--quarantine', '1d', '--json');
    assert.deepEqual([exitCode, stderr], [0, '']);
    const view = NetworkView.parse(JSON.parse(stdout));
    assert.deepEqual([view.listenPort, view.quarantine, view], [51001, 86_400, await read()]);
  });

  test('refuses what is no duration or too short or long, before it asks the registry', async (t) => {
    const { desk, set } = await startDesk(t);
    for (const args of [
      ['--quarantine', '7'],
      ['--quarantine', '-1d'],
      ['--quarantine', '3651d'],
      ['--grace', '1.5h'],
      ['--keep', '59s'],
      ['--keep', 'never'],
      ['--silence', '0s'],
      ['--port', '0'],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- what it says belongs to one of them
      const { exitCode, stderr } = await set('home', ...args);
      assert.equal(exitCode, 2, args.join(' '));
      assert.match(stderr, /Expected a (?:duration from (?:0s|1m) to 3650d|port)/);
    }
    assert.deepEqual(desk.patches, []);
  });

  test('loses nothing of what another administrator has changed in between', async (t) => {
    const { lab, desk, set, read } = await startDesk(t);
    desk.beforePatch = async () => {
      const headers = { 'if-match': `"${(await read()).revision}"` };
      expectStatus(200, await lab.ask('PATCH', '/v1/networks/home', { headers, body: { grace: 60 } }));
    };
    const { exitCode, stderr } = await set('home', '--grace', '2d');
    assert.deepEqual([exitCode, (await read()).grace], [1, 60]);
    assert.match(stderr, /refused to change the network "home": .*has changed since/);
    desk.beforePatch = async () => {};
    assert.equal((await set('home', '--grace', '2d')).exitCode, 0);
    assert.equal((await read()).grace, 172_800);
  });

  test('says so when there is no such network', async (t) => {
    const { set, read } = await startDesk(t);
    const { exitCode, stdout, stderr } = await set('hoem', '--grace', '2d');
    assert.deepEqual([exitCode, stdout, (await read()).grace], [1, '', WEEK]);
    assert.match(stderr, /refused to change the network "hoem": .*hoem/);
  });
});
