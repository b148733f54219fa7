/** The single binary under each of its names, and that it goes by nothing that lies about. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { after, describe, test } from 'node:test';
import { runtime } from '../../runtime/node/runtime.ts';
import { VERSION } from '../../src/cli/version.ts';
import { mainConformance } from '../conformance/main.ts';
import { builtBinary } from './binary.ts';

const binary = builtBinary();
const ROOT = resolve(import.meta.dirname, '../..');

// Called through links, as a file of its own rather than one that a runtime is given.
mainConformance({ ...runtime, name: 'bun', peerage: ['/usr/bin/env', binary] });

describe('the single binary', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-binary-'));
  after(() => rmSync(folder, { recursive: true }));
  const links = join(folder, 'links');
  const call = (program: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) =>
    spawnSync(program, args, { cwd: folder, encoding: 'utf8', ...options });

  test('makes the links by whose names it is the other programs', () => {
    assert.equal(call(binary, ['install-links', links]).status, 0);
    assert.deepEqual(readdirSync(links).sort(), ['peerage-tun', 'wg', 'wg-quick']);
    for (const name of readdirSync(links)) assert.equal(readlinkSync(join(links, name)), binary);
    assert.equal(call(join(links, 'peerage-tun'), ['--version']).stdout, `peerage-tun ${VERSION}\n`);
    assert.equal(call(join(links, 'peerage-tun'), []).status, 2);
    assert.match(call(join(links, 'wg'), ['--version']).stdout, /^wireguard-tools v/);
    assert.match(call(join(links, 'wg-quick'), ['--help']).stderr, /^Usage: wg-quick/);
  });

  test('knows its name when the shell has found it on the PATH', () => {
    const env = { ...process.env, PATH: `${links}:${process.env['PATH']}` };
    assert.equal(call('peerage-tun', ['--version'], { env }).stdout, `peerage-tun ${VERSION}\n`);
    assert.match(call('sh', ['-c', 'wg genkey | wg pubkey'], { env }).stdout, /^[A-Za-z0-9+/]{43}=\n$/);
  });

  test('is peerage-tun also when its first argument says so', () => {
    assert.equal(call(binary, ['peerage-tun', '--version']).stdout, `peerage-tun ${VERSION}\n`);
  });

  test('works through a link to a link, and under any name', () => {
    symlinkSync(join(links, 'wg'), join(folder, 'my-wg'));
    assert.equal(call(join(folder, 'my-wg'), ['--version']).stdout, `${VERSION}\n`);
  });

  test('computes the key that wg computes', () => {
    const key = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n';
    const output = execFileSync(binary, ['pubkey'], { input: key, encoding: 'utf8' });
    assert.equal(output, 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\n');
  });

  test('goes by no file of the folder that it is called in', () => {
    writeFileSync(join(folder, '.env'), 'NO_COLOR=\nLOG_LEVEL=verbose\nPEERAGE_SEEN=1\nBUN_OPTIONS=--no-such\n');
    writeFileSync(join(folder, 'evil.ts'), `import { writeFileSync } from 'node:fs';\nwriteFileSync('seen', '');\n`);
    writeFileSync(join(folder, 'bunfig.toml'), 'preload = ["./evil.ts"]\n');
    writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs", "name": "other" }');
    writeFileSync(join(folder, 'tsconfig.json'), 'nothing that could be read');
    assert.deepEqual(call(binary, ['--version']).stdout, `${VERSION}\n`);
    assert.equal(existsSync(join(folder, 'seen')), false);
  });

  test('leaves nothing where temporary files go', () => {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    const env = { ...process.env, TMPDIR: temporary, HOME: temporary, BUN_TMPDIR: temporary };
    for (const args of [['--version'], ['genkey'], ['doctor']]) call(binary, args, { env });
    assert.deepEqual(readdirSync(temporary), []);
  });

  test('prints the licence of everything that is in it', () => {
    const { stdout } = call(binary, ['licences']);
    assert.ok(stdout.includes(readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim()));
    for (const name of ['@noble/ciphers', 'commander', 'hono', 'drizzle-orm', 'zod', 'Bun'])
      assert.match(stdout, new RegExp(`^${name} [\\d.]+`, 'm'));
    assert.match(stdout, /Apache License\s+Version 2\.0/);
    // What the other runtimes need is not in it.
    assert.doesNotMatch(stdout, /^(?:koffi|better-sqlite3|@hono\/node-server) /m);
  });
});
