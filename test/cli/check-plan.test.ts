import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseConfigOrThrow } from '../../src/config/parse.ts';
import { programOptions } from '../interop/lab/requirements.ts';
import { peerage, run } from './peerage.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-plan-'));
after(() => rmSync(folder, { recursive: true }));

const seed = fileURLToPath(new URL('../config/seed/', import.meta.url));
const THREE = ['--hosts', 'dolores,maeve,charlotte', '--suffix', 'vpn.example.net'];
const ENDPOINTS = ['--endpoint', 'dolores=203.0.113.54', '--endpoint', 'maeve=[2001:db8:48d1::1]:50999'];
const SUBNETS = ['--subnet', 'charlotte=172.27.88.0/24,fdc1:d89e:b128:13a6::/64'];

const paths = (of: string): string[] => readdirSync(of).map((name) => join(of, name));

describe('plan', () => {
  it('writes files for their owner only that check has nothing to say about', async () => {
    const out = join(folder, 'sound');
    const { exitCode, stdout, stderr } = await peerage(['plan', ...THREE, ...ENDPOINTS, ...SUBNETS, '--out', out]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(readdirSync(out), ['charlotte.conf', 'dolores.conf', 'maeve.conf']);
    for (const file of paths(out)) {
      assert.equal(statSync(file).mode & 0o7777, 0o600);
      const { privateKey } = parseConfigOrThrow(readFileSync(file, 'utf8'), { file }).interface;
      assert.ok(privateKey);
      assert.ok(!(stdout + stderr).includes(Buffer.from(privateKey).toString('base64')));
    }
    const checked = await peerage(['check', ...paths(out)]);
    assert.deepEqual(checked, { exitCode: 0, stdout: '3 files: nothing to complain about\n', stderr: '' });
  });

  it('writes files that wg-quick takes', programOptions('wg-quick'), async () => {
    const out = join(folder, 'for-wg-quick');
    await peerage(['plan', ...THREE, ...ENDPOINTS, ...SUBNETS, '--out', out]);
    const stripped = await run('wg-quick', ['strip', join(out, 'charlotte.conf')]);
    assert.equal(stripped.exitCode, 0, stripped.stderr);
    assert.equal(stripped.stdout.match(/^\[Peer\]$/gm)?.length, 2);
  });

  it('overwrites nothing unless it is told to, not even a part', async () => {
    const out = join(folder, 'present');
    await peerage(['plan', '--hosts', 'maeve', '--out', out]);
    const before = readFileSync(join(out, 'maeve.conf'), 'utf8');
    const refused = await peerage(['plan', ...THREE, '--out', out]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /there already is .*maeve\.conf\n.*--force/);
    assert.deepEqual(readdirSync(out), ['maeve.conf']);
    assert.equal((await peerage(['plan', ...THREE, '--out', out, '--force'])).exitCode, 0);
    assert.equal(readdirSync(out).length, 3);
    assert.notEqual(readFileSync(join(out, 'maeve.conf'), 'utf8'), before);
  });

  it('prints the table of the guide', async () => {
    const ranges = ['--ipv4', '10.195.171.0/24', '--ipv6', 'fdc1:d89e:b128:6a04::/64', '--port', '55867'];
    const { stdout } = await peerage(['plan', ...THREE, ...ENDPOINTS, ...SUBNETS, ...ranges]);
    assert.match(stdout, /^UDP port    55867$/m);
    assert.match(stdout, /^Domain Name +IPv4 Address +IPv6 Address +Endpoint +Subnets$/m);
    assert.match(
      stdout,
      /^dolores\.vpn\.example\.net +10\.195\.171\.\d+ +fdc1:d89e:b128:6a04::[0-9a-f]+ +203\.0\.113\.54:55867$/m,
    );
    assert.match(stdout, /^maeve\.vpn\.example\.net .* \[2001:db8:48d1::1\]:50999$/m);
    assert.match(stdout, /^charlotte\.vpn\.example\.net .* dynamic +172\.27\.88\.0\/24, fdc1:d89e:b128:13a6::\/64$/m);
  });

  it('takes any name for a host', async () => {
    const names = ['constructor', 'valueof', 'tostring'];
    const options = ['--subnet', 'constructor=172.27.88.0/24', '--endpoint', 'valueof=203.0.113.54', '--json'];
    const { exitCode, stdout, stderr } = await peerage(['plan', '--hosts', names.join(','), ...options]);
    assert.equal(exitCode, 0, stderr);
    const { hosts } = JSON.parse(stdout) as { hosts: { name: string; subnets: string[]; endpoint: string | null }[] };
    assert.deepEqual(
      hosts.map(({ name, subnets, endpoint }) => [name, subnets, endpoint !== null]),
      [
        ['constructor', ['172.27.88.0/24'], false],
        ['valueof', [], true],
        ['tostring', [], false],
      ],
    );
  });

  it('prints the same as JSON', async () => {
    const { stdout } = await peerage(['plan', ...THREE, ...ENDPOINTS, ...SUBNETS, '--port', '55867', '--json']);
    const { hosts, port } = JSON.parse(stdout) as { port: number; hosts: { name: string; subnets: string[] }[] }; // as printed
    assert.equal(port, 55867);
    assert.deepEqual(
      hosts.map(({ name, subnets }) => [name, subnets]),
      [
        ['dolores', []],
        ['maeve', []],
        ['charlotte', ['172.27.88.0/24', 'fdc1:d89e:b128:13a6::/64']],
      ],
    );
  });

  it('says which hosts will not find each other, as check does of their files', async () => {
    const out = join(folder, 'unreachable');
    const { stderr } = await peerage(['plan', '--hosts', 'charlotte,teddy', '--out', out]);
    assert.match(stderr, /Nobody can reach charlotte, teddy first/);
    const { exitCode, stdout } = await peerage(['check', ...paths(out)]);
    assert.equal(exitCode, 0);
    assert.equal(stdout.match(/warning: neither this host nor/g)?.length, 1);
  });

  for (const [args, message] of [
    [['--hosts', 'a,a'], /"a" is there twice/],
    [['--hosts', 'a,B!'], /"B!" is no host name/],
    [['--hosts', 'a', '--subnet', 'b=10.0.0.0/8'], /"b" is none of the hosts/],
    [['--hosts', 'a', '--subnet', '10.0.0.0/8'], /HOST=PREFIX/],
    [['--hosts', 'a', '--endpoint', 'a=b:c:d'], /HOST=ADDRESS/],
    [['--hosts', 'a', '--ipv4', 'fd00::/64'], /IPv4 prefix/],
    [['--hosts', 'a', '--port', '65536'], /port from 1 to 65535/],
  ] as const)
    it(`refuses ${args.join(' ')}`, async () => {
      const { exitCode, stderr } = await peerage(['plan', ...args]);
      assert.equal(exitCode, 2);
      assert.match(stderr, message);
    });
});

describe('check', () => {
  it('tells what is wrong with the files of the guide as a compiler does, and no private key', async () => {
    const { exitCode, stdout, stderr } = await peerage(['check', ...paths(seed)]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^peerage: \d+ errors in 6 files\n$/);
    assert.match(stdout, /^.*seed\/charlotte\.conf:7: error: the interface has an empty Address$/m);
    for (const file of paths(seed)) {
      const key = /PrivateKey = (\S+)/.exec(readFileSync(file, 'utf8'))?.[1];
      if (key !== undefined) assert.ok(!stdout.includes(key));
    }
  });

  it('tells machines the same', async () => {
    const [people, machines] = await Promise.all([
      peerage(['check', ...paths(seed)]),
      peerage(['check', '--json', ...paths(seed)]),
    ]);
    assert.equal(machines.exitCode, 1);
    const findings = JSON.parse(machines.stdout) as { file: string; line: number; severity: string; message: string }[]; // as printed
    assert.equal(
      findings.map(({ file, line, severity, message }) => `${file}:${line}: ${severity}: ${message}\n`).join(''),
      people.stdout.replaceAll(/^ {4}.*\n/gm, ''),
    );
  });

  it('warns of a file whose keys everybody can read', async () => {
    const file = join(folder, 'maeve.conf');
    copyFileSync(join(seed, 'maeve.conf'), file);
    chmodSync(file, 0o644);
    assert.match((await peerage(['check', file])).stdout, /maeve\.conf:1: warning: everybody .*\n.*chmod 600/);
    chmodSync(file, 0o640);
    assert.doesNotMatch((await peerage(['check', file])).stdout, /everybody/);
  });

  it('succeeds when there are warnings only, and reads standard input', async () => {
    const warning = ';\n[Interface]\nPostUp = wg set %i private-key /k\nAddress = 10.0.7.1/24\n';
    writeFileSync(join(folder, 'warning.conf'), warning, { mode: 0o600 });
    const [file, piped] = await Promise.all([
      peerage(['check', join(folder, 'warning.conf')]),
      peerage(['check', '/dev/stdin'], { input: warning }),
    ]);
    assert.equal(file.exitCode, 0);
    assert.match(file.stdout, /:1: warning: wg and wg-quick refuse/);
    assert.match(piped.stdout, /^\/dev\/stdin:1: warning: /);
  });

  it('names a file that is not there', async () => {
    const { exitCode, stderr } = await peerage(['check', join(folder, 'nobody.conf')]);
    assert.deepEqual([exitCode, stderr], [2, `peerage: there is no file ${folder}/nobody.conf\n`]);
  });
});
