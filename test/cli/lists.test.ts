/** Lists of a registry that come in more pages than one: the commands show all of them. The pages are made small on the way. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { files } from '../../runtime/linux/files.ts';
import { http } from '../../runtime/linux/http.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Ports } from '../../src/cli/ports.ts';
import { runProgram } from '../../src/cli/program.ts';
import { expectStatus, someKey, startLab } from '../registry/lab.ts';

const PAGE = 2;
/** Odd, so that the last page is a short one. */
const NAMES = ['arnold', 'bernard', 'charlotte', 'dolores', 'maeve'];

async function startDesk(t: TestContext) {
  const lab = await startLab(t);
  const asked: string[] = [];
  const desk = { postsLeft: Infinity, out: '', losesQueries: false };
  const small: typeof http = {
    ...http,
    request(request) {
      const url = new URL(request.url);
      asked.push(url.pathname);
      if (request.method === 'POST' && desk.postsLeft-- === 0) throw new Error('interrupted');
      if (desk.losesQueries) url.search = '';
      if (request.method === 'GET' && /\/(networks|hosts|tokens|audit)$/.test(url.pathname))
        url.searchParams.set('limit', `${PAGE}`);
      if (asked.length > 50) throw new Error('it asks for ever');
      return http.request({ ...request, url: url.href });
    },
  };
  const run = async (...args: readonly string[]) => {
    const messages: string[] = [];
    desk.out = '';
    const terminal = {
      stdout: (text: string) => void (desk.out += text),
      stderr: (text: string) => void messages.push(text),
      columns: 200,
    };
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const ports = {
      terminal,
      http: small,
      files,
      processes: { env },
      random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
      crypto: async () => nobleCrypto,
    } as unknown as Ports; // all that it touches
    asked.length = 0;
    const exitCode = await runProgram(args, ports);
    assert.equal(exitCode, 0, messages.join(''));
    return { stdout: desk.out, stderr: messages.join('') };
  };
  const firstColumn = (text: string): string[] =>
    text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(' ')[0]!);
  return { lab, run, asked, firstColumn, desk };
}

describe('a list of several pages', () => {
  test('of networks, hosts and tokens is shown as a whole', async (t) => {
    const { lab, run, asked, firstColumn } = await startDesk(t);
    for (const name of NAMES) {
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name } }));
      // oxlint-disable-next-line no-await-in-loop -- as above
      const body = { name, publicKey: someKey() };
      expectStatus(201, await lab.ask('POST', '/v1/networks/home/hosts', { body }));
    }
    const ids = await Promise.all(NAMES.map(async () => (await lab.token()).slice(0, 12)));
    assert.deepEqual(firstColumn((await run('network', 'ls')).stdout), [...NAMES, 'home'].sort());
    assert.equal(asked.length, 3);
    assert.deepEqual(firstColumn((await run('ls', '--network', 'home')).stdout), NAMES);
    assert.equal(asked.length, 3);
    assert.deepEqual(firstColumn((await run('token', 'ls', '--network', 'home')).stdout).sort(), ids.sort());
    assert.equal(asked.length, 3);
  });

  test('of the audit log is shown up to the limit, and says where older entries begin', async (t) => {
    const { lab, run } = await startDesk(t);
    for (const name of NAMES)
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name } }));
    const targets = (text: string) => [...text.matchAll(/network\.add +(\S+)/g)].flatMap(([, target = '']) => target);
    const newest = await run('audit', '--action', 'network.add', '--limit', '3');
    assert.deepEqual(targets(newest.stdout), ['maeve', 'dolores', 'charlotte']);
    const [, before = ''] = /Older ones: peerage audit --before (\d+)/.exec(newest.stderr) ?? [];
    const older = await run('audit', '--action', 'network.add', '--before', before);
    assert.deepEqual(targets(older.stdout), ['bernard', 'arnold', 'home']);
    assert.equal(older.stderr, '');
  });

  test('whose pages are all the first one, because something on the way loses the query, is no list', async (t) => {
    const { lab, run, desk } = await startDesk(t);
    for (const name of NAMES)
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name } }));
    desk.losesQueries = true;
    for (const command of ['network ls', 'audit --limit 9'])
      // oxlint-disable-next-line no-await-in-loop -- as above
      await assert.rejects(run(...command.split(' ')), /names the same page twice\n.*proxy/);
  });

  test('is seen by an import that goes on where it was interrupted, and no host key is lost', async (t) => {
    const { lab, run, desk } = await startDesk(t);
    // Before the ranges of the others are drawn.
    const zeta = { name: 'zeta', ranges: ['10.9.8.0/24'] };
    for (const body of [zeta, { name: 'alpha' }, { name: 'beta' }, { name: 'gamma' }])
      // oxlint-disable-next-line no-await-in-loop -- in this order
      expectStatus(201, await lab.ask('POST', '/v1/networks', { body }));
    const folder = await mkdtemp(join(tmpdir(), 'peerage-lists-'));
    t.after(() => rm(folder, { recursive: true }));
    for (const [i, name] of NAMES.entries()) {
      const text = `[Interface]\nPrivateKey = ${someKey()}\nAddress = 10.9.8.${i + 10}/24\n`;
      // oxlint-disable-next-line no-await-in-loop -- a few files
      await writeFile(join(folder, `${name}.conf`), text);
    }
    const command = ['registry', 'import', folder, '--network', 'zeta', '--yes'];
    desk.postsLeft = 3;
    await assert.rejects(run(...command), /interrupted/);
    const keysIn = (text: string) => [...text.matchAll(/pgh_[A-Za-z0-9_-]{43}/g)].map(([key]) => key);
    const first = keysIn(desk.out);
    assert.equal(first.length, 3);
    desk.postsLeft = 1;
    await assert.rejects(run(...command, '--json'), /interrupted/);
    const second = keysIn(desk.out);
    assert.equal(second.length, 1);
    desk.postsLeft = Infinity;
    const { stdout } = await run(...command, '--json');
    const { hosts } = JSON.parse(stdout) as { hosts: { state: string; hostKey?: string }[] };
    assert.deepEqual(
      hosts.map(({ state }) => state),
      NAMES.map((_, i) => (i < 4 ? 'there already' : 'added')),
    );
    for (const [i, key] of [...first, ...second, ...keysIn(stdout)].entries())
      // oxlint-disable-next-line no-await-in-loop -- one of each host
      assert.match(
        expectStatus(200, await lab.ask('GET', '/v1/config', { as: key })).text,
        new RegExp(`10\\.9\\.8\\.${i + 10}/`),
      );
    assert.match((await run(...command)).stderr, /5 of 5 were there already/);
  });
});
