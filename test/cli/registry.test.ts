/** The administrator's commands, as processes, against a registry that is one too. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CreatedToken, HostList, HostView } from '../../src/registry/wire.ts';

const MAIN = fileURLToPath(new URL('../../runtime/node/main.ts', import.meta.url));

interface Ran {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

async function startDesk(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-desk-'));
  t.after(() => rm(folder, { recursive: true }));
  const env = { PATH: process.env['PATH'], HOME: folder };
  const start = (...args: string[]) => spawn(process.execPath, [MAIN, ...args], { env, cwd: folder });
  const peerage = async (args: readonly string[], input = ''): Promise<Ran> => {
    const child = start(...args);
    child.stdin.end(input);
    const ran = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => (ran.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (ran.stderr += text));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { exitCode, ...ran };
  };
  const serve = async () => {
    const child = start('registry', 'serve', '--db', join(folder, 'registry.db'), '--listen', '127.0.0.1:0', '--json');
    t.after(() => child.kill('SIGKILL'));
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    return { child, ...(JSON.parse(line) as { url: string; adminKey?: string }) };
  };
  return { folder, peerage, serve, start };
}

async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return exitCode;
}

describe('peerage, for the administrator of a registry', () => {
  test('from an empty machine to a host that is in, and out again', async (t) => {
    const { folder, peerage, serve } = await startDesk(t);
    const { url, adminKey, child } = await serve();
    assert.match(adminKey ?? '', /^pga_/);

    const login = await peerage(['login', url], `${adminKey}\n`);
    assert.equal(login.exitCode, 0, login.stderr);
    assert.equal((await stat(join(folder, '.config/peerage/login.json'))).mode & 0o777, 0o600);
    assert(!login.stderr.includes(adminKey!) && login.stdout === '');

    assert.match((await peerage(['ls'])).stderr, /no network yet\n {2}Type: peerage network add home/);
    const added = await peerage(['network', 'add', 'home', '--suffix', 'vpn.example.net', '--range', '10.1.2.0/24']);
    assert.match(added.stdout, /home +vpn\.example\.net +10\.1\.2\.0\/24/);

    const invited = await peerage(['add', 'teddy', '--route', '172.27.126.0/24', '--json']);
    const created = CreatedToken.parse(JSON.parse(invited.stdout));
    assert.deepEqual([created.name, created.routes, created.remaining], ['teddy', ['172.27.126.0/24'], 1]);
    assert.equal(created.joinUrl, `${url}/${created.token}`);
    const form = { name: 'teddy', publicKey: `B${'A'.repeat(42)}=`, routes: '172.27.126.0/24' };
    const authorization = `Bearer ${created.token}`;
    const enrolled = await fetch(`${url}/v1/enroll`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(form),
    });
    assert.equal(enrolled.status, 201, await enrolled.text());

    assert.match((await peerage(['ls'])).stdout, /^teddy +10\.1\.2\.\d+ +- +172\.27\.126\.0\/24 +BA{42}=$/m);
    const hosts = HostList.shape.hosts.parse(JSON.parse((await peerage(['ls', '--json'])).stdout));
    assert.deepEqual(
      hosts.map((host) => host.name),
      ['teddy'],
    );
    assert.match((await peerage(['token', 'ls'])).stdout, /used +0/);

    const { token: tagged } = CreatedToken.parse(
      JSON.parse((await peerage(['token', '--tag', 'servers', 'eu', '--pattern', 'web-*', '--json'])).stdout),
    );
    const server = { name: 'web-1', publicKey: `C${'A'.repeat(42)}=` };
    const letIn = await fetch(`${url}/v1/enroll`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tagged}` },
      body: new URLSearchParams(server),
    });
    assert.equal(letIn.status, 201, await letIn.text());
    assert.match((await peerage(['ls'])).stdout, /^HOST .* TAGS +PUBLIC KEY\n[^]*^web-1 .* eu servers +CA{42}=$/m);
    assert.equal((await peerage(['token', '--name', 'mail', '--pattern', 'web-*'])).exitCode, 2); // good for nobody
    assert.match((await peerage(['network', 'rules'])).stderr, /^Everybody sees everybody/);
    const ruled = await peerage(['network', 'rules', 'office:servers,eu', '*:dns']);
    assert.match(ruled.stdout, /^office +servers,eu\n\* +dns$/m);
    assert.equal((await peerage(['network', 'rules', 'office'])).exitCode, 2);
    assert.match((await peerage(['network', 'rules', '--clear'])).stderr, /^Everybody sees everybody/);
    assert.equal((await peerage(['rm', 'web-1', '--yes'])).exitCode, 0);

    const unasked = await peerage(['rm', 'teddy']);
    assert.deepEqual([unasked.exitCode, /Say yes beforehand: --yes/.test(unasked.stderr)], [1, true]);
    assert.match((await peerage(['rm', 'teddy', '--yes'])).stderr, /To undo it[^]*peerage restore teddy/);
    const back = await peerage(['restore', 'teddy']);
    assert.deepEqual([back.exitCode, back.stderr.startsWith('"teddy" is back at 10.')], [0, true], back.stderr);
    assert.equal((await peerage(['restore', 'teddy'])).exitCode, 1);
    assert.match((await peerage(['renew', 'teddy'])).stderr, /stays for ever/);
    assert.equal(HostView.parse(JSON.parse((await peerage(['renew', 'teddy', '--json'])).stdout)).expiresAt, null);
    assert.match((await peerage(['audit'])).stdout, /host\.restore +teddy/);
    assert.match((await peerage(['audit', '--action', 'admin.add'])).stdout, /setup +admin\.add +pga_/);
    assert.equal((await peerage(['rm', 'teddy', '--yes'])).exitCode, 0);
    const again = await peerage(['rm', 'teddy', '--yes']);
    assert.deepEqual([again.exitCode, /has no host teddy/.test(again.stderr)], [1, true]);
    const kept = await peerage(['network', 'rm', 'home']);
    assert.deepEqual([kept.exitCode, /Say yes beforehand: --yes/.test(kept.stderr)], [1, true]);
    assert.match((await peerage(['network', 'ls'])).stdout, /^home /m);
    assert.equal((await peerage(['network', 'rm', 'home', '--yes'])).exitCode, 0);
    assert.equal(await stop(child), 0);
  });

  test('a token is printed with the lines that use it, and revoked by its id', async (t) => {
    const { peerage, serve } = await startDesk(t);
    const { url, adminKey } = await serve();
    await peerage(['login', url], adminKey);
    await peerage(['network', 'add', 'home']);
    const { stdout, stderr } = await peerage(['token', '--uses', '6', '--expires', '1h']);
    const [token] = /pgt_[\w-]{43}/.exec(stdout) ?? [];
    assert(stdout.includes(`  curl -fsS ${url}/${token} | sh\n`), stdout);
    assert(stdout.includes(`  peerage join ${url}/${token}\n`), stdout);
    assert.match(stdout, /^For 6 hosts, until /);
    assert.match(stderr, /work on this machine only[^]*--public-url/);
    const id = token!.slice(0, 12);
    const unasked = await peerage(['token', 'rm', id]);
    assert.deepEqual([unasked.exitCode, /Say yes beforehand: --yes/.test(unasked.stderr)], [1, true]);
    assert.match((await peerage(['token', 'ls'])).stdout, new RegExp(`^${id} +good`, 'm'));
    assert.equal((await peerage(['token', 'rm', id, '--yes'])).exitCode, 0);
    assert.match((await peerage(['token', 'ls'])).stdout, new RegExp(`^${id} +revoked`, 'm'));
    assert.equal((await peerage(['token', 'rm', 'pgt_aaaaaaaa', '--yes'])).exitCode, 1);
    assert.match(
      (await peerage(['token', 'rm', 'x', '--yes'])).stderr,
      /"x" is not the id of a token\n.*peerage token ls/,
    );
  });

  for (const [options, where, login] of [
    [['--listen', '127.0.0.1:0'], 'on this machine', /login http:\/\/127\.0\.0\.1:\d+ [^]*Other hosts do not reach/],
    [
      ['--listen', '0.0.0.0:0'],
      'on this machine',
      /login http:\/\/127\.0\.0\.1:\d+ [^]*need an address of this machine/,
    ],
    [['--listen', '[::]:0'], 'on this machine', /login http:\/\/\[::1\]:\d+ [^]*need an address of this machine/],
    [
      ['--listen', '127.0.0.1:0', '--public-url', 'https://vpn.example.net'],
      'on any machine',
      /login https:\/\/vpn\.example\.net [^]*dolores\n$/,
    ],
  ] as const)
    test(`registry serve ${options.join(' ')} says what to type, and where`, async (t) => {
      const { start } = await startDesk(t);
      const child = start('registry', 'serve', '--db', 'r.db', ...options);
      t.after(() => child.kill('SIGKILL'));
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      await once(child.stdout, 'data');
      assert.equal(await stop(child), 0);
      assert.match(said, new RegExp(`Next, ${where}:`));
      assert.match(said, login);
    });

  test('the admin key is shown once, and the database outlives the process', async (t) => {
    const { folder, peerage, serve } = await startDesk(t);
    const first = await serve();
    await peerage(['login', first.url], first.adminKey);
    await peerage(['network', 'add', 'home']);
    assert.equal(await stop(first.child), 0);
    const second = await serve();
    assert.equal(second.adminKey, undefined);
    await peerage(['login', second.url], first.adminKey);
    assert.match((await peerage(['network', 'ls'])).stdout, /^home /m);
    assert(!(await readFile(join(folder, 'registry.db'))).includes(first.adminKey!.slice(14)));
  });

  test('two registries on one database give a token no more uses than it has', async (t) => {
    const { peerage, serve } = await startDesk(t);
    const first = await serve();
    const second = await serve();
    await peerage(['login', first.url], first.adminKey);
    await peerage(['network', 'add', 'home']);
    const { token } = CreatedToken.parse(JSON.parse((await peerage(['token', '--uses', '10', '--json'])).stdout));
    const headers = { authorization: `Bearer ${token}` };
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const body = new URLSearchParams({ name: `host-${i}`, publicKey: randomBytes(32).toString('base64') });
        const { url } = i % 2 === 0 ? first : second;
        return (await fetch(`${url}/v1/enroll`, { method: 'POST', headers, body })).status;
      }),
    );
    assert.equal(statuses.filter((status) => status === 201).length, 10);
    assert.equal(statuses.filter((status) => status === 401).length, 30);
    const hosts = HostList.shape.hosts.parse(JSON.parse((await peerage(['ls', '--json'])).stdout));
    assert.equal(new Set(hosts.flatMap((host) => host.addresses)).size, 20);
  });

  test('what is typed wrongly is answered with what to type', async (t) => {
    const { peerage, serve } = await startDesk(t);
    const before = await peerage(['ls']);
    assert.deepEqual([before.exitCode, before.stdout], [1, '']);
    assert.match(before.stderr, /not logged in to a registry\n {2}Type: peerage login URL/);
    const { url } = await serve();
    assert.match((await peerage(['login', url], 'pga_nonsense')).stderr, /that is no admin key/);
    const stranger = await peerage(['login', url], `pga_${'x'.repeat(43)}`);
    assert.deepEqual([stranger.exitCode, /refused to log in/.test(stranger.stderr)], [1, true]);
    for (const args of [
      ['token', '--expires', 'soon'],
      ['token', '--uses', '0'],
      ['registry', 'serve', '--listen', '8080'],
      ['registry', 'serve', '--public-url', 'vpn.example.net', '--db', '/nonexistent/x'],
      ['network', 'add', 'home', '--port', '0'],
    ])
      assert.equal((await peerage(args)).exitCode, 2, args.join(' '));
    const { port } = new URL(url);
    const taken = await peerage(['registry', 'serve', '--db', 'other.db', '--listen', `127.0.0.1:${port}`]);
    assert.deepEqual([taken.exitCode, /listens on 127\.0\.0\.1 port \d+ already/.test(taken.stderr)], [1, true]);
  });
});
