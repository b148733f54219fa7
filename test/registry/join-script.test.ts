/**
 * The join script, run for real by the shells it is written for, against a real registry, as far as that needs no tunnel:
 * into a folder of its own, without bringing the interface up.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { renderJoinScript } from '../../src/registry/render/join-script.ts';
import { HostList } from '../../src/registry/wire.ts';
import { programOptions } from '../interop/lab/requirements.ts';
import { expectStatus, startLab, type Lab } from './lab.ts';
import { isEdge } from './engines/engine.ts';

const SHELLS: readonly (readonly [program: string, ...args: string[]])[] = [['dash'], ['busybox', 'ash'], ['bash']];
const whyNot =
  process.getuid?.() === 0
    ? programOptions('dash', 'busybox', 'bash', 'curl', 'wg', 'ip').skip
    : 'the script needs root';

interface Ran {
  exitCode: number;
  stderr: string;
}

async function startHost(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-join-'));
  t.after(() => rm(folder, { recursive: true }));
  /** As `curl -fsS URL/TOKEN | sh` does. */
  const joinBy = async (shell: readonly string[], lab: Lab, token: string, env: Record<string, string> = {}) => {
    const script = expectStatus(200, await lab.ask('GET', `/${token}`, { as: null })).text;
    return run(shell, script, { PEERAGE_DIR: folder, PEERAGE_UP: 'no', ...env });
  };
  return { folder, joinBy };
}

function run([program, ...args]: readonly string[], input: string, env: Record<string, string>): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], ...env } };
    const child = execFile(program!, args, options, (error, _stdout, stderr) =>
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stderr }),
    );
    child.stdin?.end(input);
  });
}

describe('the join script', { skip: whyNot }, () => {
  for (const shell of SHELLS) {
    test(`joins a host by ${shell.join(' ')}, and a second time says what is there`, async (t) => {
      const lab = await startLab(t);
      const { folder, joinBy } = await startHost(t);
      const token = await lab.token({ routes: ['172.27.88.0/24'] });
      const env = {
        PEERAGE_NAME: 'charlotte',
        PEERAGE_ROUTES: '172.27.88.0/24',
        PEERAGE_ENDPOINT: 'c.example.net:51000',
      };
      const first = await joinBy(shell, lab, token, env);
      assert.equal(first.exitCode, 0, first.stderr);
      const plan = first.stderr.indexOf('write');
      assert(plan > 0 && plan < first.stderr.indexOf('Enrolled'), 'it says what it will do before it has done it');

      const [host] = (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts;
      assert.deepEqual(
        [host?.name, host?.endpoint, host?.routes],
        ['charlotte', 'c.example.net:51000', ['172.27.88.0/24']],
      );
      const read = (name: string) => readFile(join(folder, name), 'utf8');
      const config = await read('wg0.conf');
      assert.match(config, new RegExp(`^PostUp = wg set %i private-key ${folder}/%i\\.key$`, 'm'));
      const key = await read('wg0.key');
      assert.equal(execFileSync(which('wg'), ['pubkey'], { input: key, encoding: 'utf8' }).trim(), host?.publicKey);
      assert(!config.includes(key.trim()) && !config.includes('pgh_'), 'no secret in the configuration');
      expectStatus(200, await lab.ask('GET', '/v1/peers', { as: (await read('wg0.hostkey')).trim() }));
      const modes = await Promise.all(
        (await readdir(folder)).map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777] as const),
      );
      const expected = { 'wg0.conf': 0o600, 'wg0.hostkey': 0o600, 'wg0.key': 0o600, 'wg0.refresh': 0o700 };
      assert.deepEqual(Object.fromEntries(modes), expected);

      const second = await joinBy(shell, lab, await lab.token());
      assert.equal(second.exitCode, 0);
      assert.match(second.stderr, /joined already.*Nothing was changed/);
      assert.equal(await read('wg0.conf'), config);
    });
  }

  test('a refused host gets the reason, keeps its key, and can try again', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const token = await lab.token();
    const refused = await joinBy(['dash'], lab, token, { PEERAGE_NAME: 'teddy', PEERAGE_ROUTES: '10.0.0.0/8' });
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /refused \(409\): 10\.0\.0\.0\/8 overlaps 10\.1\.2\.0\/24 of the network itself/);
    assert.deepEqual(await readdir(folder), ['wg0.key']);
    const key = await readFile(join(folder, 'wg0.key'), 'utf8');
    assert.equal((await joinBy(['dash'], lab, token, { PEERAGE_NAME: 'teddy' })).exitCode, 0);
    assert.equal(await readFile(join(folder, 'wg0.key'), 'utf8'), key);
    const again = await joinBy(['dash'], lab, token, { PEERAGE_NAME: 'maeve', PEERAGE_INTERFACE: 'wg1' });
    assert.match(again.stderr, /refused \(401\): The credential is missing, unknown, used up/);
  });

  test('to join anew works as the script says', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const env = { PEERAGE_NAME: 'teddy' };
    assert.equal((await joinBy(['dash'], lab, await lab.token(), env)).exitCode, 0);
    const { stderr } = await joinBy(['dash'], lab, await lab.token(), env);
    const [down, ...lines] = [...stderr.matchAll(/^ {2}(.+)$/gm)].map(([, line]) => line);
    assert.equal(down, 'wg-quick down wg0'); // which is not up here
    assert.equal(lines.length, 2);
    const advised = await run(['dash', '-e'], lines.join('\n'), {});
    assert.equal(advised.exitCode, 0, advised.stderr);
    assert.deepEqual(await readdir(folder), []);
    const again = await joinBy(['dash'], lab, await lab.token(), env);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal((await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts.length, 1);
  });

  test('a host whose first answer was lost is told how to get in', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const token = await lab.token();
    const env = { PEERAGE_NAME: 'teddy' };
    assert.equal((await joinBy(['dash'], lab, token, env)).exitCode, 0);
    // As if nothing had come back: only the key is there.
    for (const name of ['wg0.conf', 'wg0.hostkey', 'wg0.refresh']) await rm(join(folder, name));
    const again = await joinBy(['dash'], lab, token, env);
    assert.equal(again.exitCode, 1);
    assert.match(again.stderr, /have teddy removed \(peerage rm teddy\), and take a new token/);
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/teddy'));
    assert.equal((await joinBy(['dash'], lab, await lab.token(), env)).exitCode, 0);
  });

  test('the configuration of something else is left alone', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    await writeFile(join(folder, 'wg0.conf'), '[Interface]\n');
    const token = await lab.token();
    const { exitCode, stderr } = await joinBy(['dash'], lab, token);
    assert.equal(exitCode, 1);
    assert.match(stderr, /wg0\.conf is there already and belongs to something else/);
    assert.deepEqual(await readdir(folder), ['wg0.conf']);
    assert.equal((await joinBy(['dash'], lab, token, { PEERAGE_INTERFACE: 'wg1', PEERAGE_NAME: 'a' })).exitCode, 0);
  });

  test('names that could leave their place are refused before anything is done', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const token = await lab.token();
    for (const env of [
      { PEERAGE_INTERFACE: 'a b' },
      { PEERAGE_INTERFACE: '../x' },
      { PEERAGE_INTERFACE: 'a234567890123456' },
      { PEERAGE_DIR: `${folder}/$(id)` },
      { PEERAGE_DIR: 'relative' },
    ])
      assert.equal((await joinBy(['dash'], lab, token, env)).exitCode, 1, JSON.stringify(env));
    assert.deepEqual(await readdir(folder), []);
  });

  test('half a download does nothing', async (t) => {
    const lab = await startLab(t);
    const { folder } = await startHost(t);
    const script = (await lab.ask('GET', `/${await lab.token()}`, { as: null })).text;
    for (const part of [0.3, 0.6, 0.9, 0.995])
      await run(['dash'], script.slice(0, script.length * part), { PEERAGE_DIR: folder, PEERAGE_UP: 'no' });
    assert.deepEqual(await readdir(folder), []);
  });

  test('no secret is among the arguments of a program', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const tools = await mkdtemp(join(tmpdir(), 'peerage-tools-'));
    t.after(() => rm(tools, { recursive: true }));
    const curl = which('curl');
    const spy = `#!/bin/sh\nprintf '%s\\n' "$@" >>${tools}/arguments\nexec ${curl} "$@"\n`;
    await writeFile(join(tools, 'curl'), spy, { mode: 0o755 });
    const token = await lab.token();
    const env = { PATH: `${tools}:${process.env['PATH']}`, PEERAGE_NAME: 'teddy' };
    assert.equal((await joinBy(['dash'], lab, token, env)).exitCode, 0);
    const seen = await readFile(join(tools, 'arguments'), 'utf8');
    assert.match(seen, /v1\/enroll/);
    const secrets = [token, (await readFile(join(folder, 'wg0.key'), 'utf8')).trim()];
    for (const secret of secrets) assert(!seen.includes(secret.slice(14)));
  });

  test('a refresh hands the new peers to wg, and with the registry down it hands it nothing', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const token = await lab.token({ uses: 3, routes: ['172.27.88.0/24', '0.0.0.0/0', '::/0'] });
    const berlin = await lab.enrol(token, {
      name: 'berlin',
      routes: ['0.0.0.0/0', '::/0'],
      endpoint: 'berlin.example.net:55867',
    });
    const env = { PEERAGE_NAME: 'teddy', PEERAGE_EXIT: 'berlin' };
    assert.equal((await joinBy(['dash'], lab, token, env)).exitCode, 0);
    const charlotte = await lab.enrol(token, {
      name: 'charlotte',
      routes: ['172.27.88.0/24'],
      endpoint: 'charlotte.example.net:55867',
    });

    const tools = await mkdtemp(join(tmpdir(), 'peerage-tools-'));
    t.after(() => rm(tools, { recursive: true }));
    // `wg show wg0 fwmark` says that there is a default route; berlin was heard of this second, charlotte long ago.
    const heard = `printf '%s\\t%s\\n' ${berlin.host.publicKey} "$(date +%s)" ${charlotte.host.publicKey} 1000000000`;
    const shown = `case "$1 $3" in 'show latest-handshakes') ${heard}; exit ;; 'show fwmark') echo 0xca6c; exit ;; esac`;
    const standIn = `${shown}; cp "$3" ${tools}/given; echo "wg $1 $2" >>${tools}/called`;
    await writeFile(join(tools, 'wg'), `#!/bin/sh\n${standIn}\n`, { mode: 0o755 });
    await writeFile(join(tools, 'ip'), `#!/bin/sh\necho "ip $*" >>${tools}/called\n`, { mode: 0o755 });
    const refresh = () => run([join(folder, 'wg0.refresh')], '', { PATH: `${tools}:${process.env['PATH']}` });
    assert.deepEqual(await refresh(), { exitCode: 0, stderr: '' });
    const given = await readFile(join(tools, 'given'), 'utf8');
    const key = (await readFile(join(folder, 'wg0.key'), 'utf8')).trim();
    assert(given.startsWith(`[Interface]\nPrivateKey = ${key}\nFwMark = 0xca6c\n`));
    assert(given.includes('AllowedIPs = ') && given.includes(', 0.0.0.0/0, ::/0\n'));
    assert(given.includes(`PublicKey = ${charlotte.host.publicKey}\n`));
    // Where berlin talks from now it is; where charlotte is has to be tried.
    assert(given.includes('Endpoint = charlotte.example.net:55867\n'));
    assert(!given.includes('berlin.example.net:55867'));
    const called = await readFile(join(tools, 'called'), 'utf8');
    assert.match(called, /^wg syncconf wg0\n/);
    assert.match(called, /^ip -4 route add 172\.27\.88\.0\/24 dev wg0$/m);
    assert.doesNotMatch(called, /\/0 dev/);

    await lab.close();
    assert.notEqual((await refresh()).exitCode, 0);
    assert.equal(await readFile(join(tools, 'called'), 'utf8'), called);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('new')),
      [],
    );
  });

  test('what is missing is named as the packages of the system are, before anything is done', async (t) => {
    const lab = await startLab(t);
    const { folder, joinBy } = await startHost(t);
    const token = await lab.token();
    for (const [manager, advice] of [
      ['apt', 'apt install curl wireguard-tools iproute2'],
      ['apk', 'apk add curl wireguard-tools'],
      ['opkg', 'opkg update && opkg install curl kmod-wireguard wireguard-tools'],
      ['dnf', 'dnf install curl wireguard-tools iproute'],
      ['none', 'curl, wireguard-tools and iproute2, or what your system calls them.'],
    ] as const) {
      const tools = await mkdtemp(join(tmpdir(), 'peerage-tools-'));
      t.after(() => rm(tools, { recursive: true }));
      for (const name of ['id', 'uname', 'tr', 'curl', 'ip']) await symlink(which(name), join(tools, name));
      await symlink(which('true'), join(tools, manager));
      for (const up of ['yes', 'no']) {
        const { exitCode, stderr } = await joinBy([which('dash')], lab, token, { PATH: tools, PEERAGE_UP: up });
        assert.deepEqual([exitCode, stderr], [1, `join: wg is missing. Install it: ${advice}\n`]);
      }
    }
    assert.deepEqual(await readdir(folder), []);
  });

  test('a host that has peerage joins by it, with the token in the environment', async (t) => {
    const lab = await startLab(t);
    const { joinBy } = await startHost(t);
    const tools = await mkdtemp(join(tmpdir(), 'peerage-tools-'));
    t.after(() => rm(tools, { recursive: true }));
    const standIn = `#!/bin/sh\nprintf '%s\\n' "$*" "$PEERAGE_TOKEN" >${tools}/called\n`;
    await writeFile(join(tools, 'peerage'), standIn, { mode: 0o755 });
    for (const name of ['id', 'uname', 'tr', 'dash']) await symlink(which(name), join(tools, name));
    const token = await lab.token();
    const env = { PATH: tools, PEERAGE_DIR: '/etc/wireguard', PEERAGE_UP: 'yes', PEERAGE_NAME: 'teddy' };
    const { exitCode, stderr } = await joinBy([which('dash')], lab, token, env);
    assert.equal(exitCode, 0, stderr);
    assert.equal(
      await readFile(join(tools, 'called'), 'utf8'),
      `join ${lab.url} --interface wg0 --name teddy\n${token}\n`,
    );
  });
});

describe('the join script as text', () => {
  test('nothing but a URL and a token gets into it', () => {
    const token = `pgt_${'x'.repeat(43)}`;
    const registryUrl = 'https://vpn.example.net';
    for (const wrong of ["https://a'b", 'https://a$(id)', 'https://a b', 'https://a\nb', 'ftp://a', ''])
      assert.throws(() => renderJoinScript({ registryUrl: wrong, token }), RangeError);
    for (const wrong of [`${token}'`, 'pgt_x', '', `${token}\n`])
      assert.throws(() => renderJoinScript({ registryUrl, token: wrong }), RangeError);
    assert.match(renderJoinScript({ registryUrl, token }), /^#!\/bin\/sh\n/);
  });

  test('a Host header cannot put anything into it', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token();
    const { hostname, port } = new URL(lab.url);
    for (const host of ["a'b", 'a$b', 'a`id`', 'a;b', "x.example.net'$(id)'"]) {
      const request = `GET /${token} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
      const answer = await sendRaw(hostname, Number(port), request);
      // workerd itself fails at some of them, before the registry sees them.
      assert.match(answer, isEdge ? /^HTTP\/1\.1 [45]\d\d / : /^HTTP\/1\.1 4\d\d /, host);
      assert(!answer.includes(host), host);
    }
  });
});

/** The path of a program, empty when there is none. */
function which(name: string): string {
  return spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim();
}

/** Sends bytes that fetch would refuse to send, and gives the whole answer. */
async function sendRaw(host: string, port: number, request: string): Promise<string> {
  const socket = connect(port, host);
  socket.end(request);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}
