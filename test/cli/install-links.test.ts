import assert from 'node:assert/strict';
import {
  mkdirSync,
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
import { after, beforeEach, describe, test } from 'node:test';
import { peerage, run } from './peerage.ts';

const BIN = resolve(import.meta.dirname, '../../runtime/node/bin');
const NAMES = ['peerage-tun', 'wg', 'wg-quick'];

describe('peerage install-links', () => {
  const parent = mkdtempSync(join(tmpdir(), 'peerage-links-'));
  after(() => rmSync(parent, { recursive: true }));
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(parent, 'case-')), 'bin');
  });

  test('makes links that are those programs, and says what to type next', async () => {
    const { exitCode, stdout, stderr } = await peerage(['install-links', folder]);
    assert.deepEqual([exitCode, stdout], [0, '']);
    assert.match(stderr, new RegExp(`Next: export PATH="${folder}:\\$PATH"\n$`));
    assert.deepEqual(readdirSync(folder).sort(), NAMES);
    assert.equal(readlinkSync(join(folder, 'peerage-tun')), join(BIN, 'peerage-tun.js'));
    assert.match((await run(join(folder, 'wg'), ['--version'])).stdout, /^wireguard-tools v/);
    assert.match((await run(join(folder, 'wg-quick'), ['--help'])).stderr, /^Usage: wg-quick/);
    assert.match((await run(join(folder, 'peerage-tun'), ['--version'])).stdout, /^peerage-tun /);
  });

  test('in a folder of the PATH they can be called at once', async () => {
    const env = { PATH: `${folder}/:${process.env['PATH']}` };
    assert.match((await peerage(['install-links', folder], { env })).stderr, /Next: wg show\n$/);
  });

  test('where links do not work, it says so', async () => {
    const deno = resolve(BIN, '../../../node_modules/.bin/deno');
    const main = resolve(BIN, '../../deno/main.ts');
    const { exitCode, stderr } = await run(deno, ['run', '--no-prompt', '--allow-all', main, 'install-links', folder]);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^peerage: Deno [\d.]+ does not run this program through a link\n/);
  });

  test('a second time everything stays as it is', async () => {
    await peerage(['install-links', folder]);
    const { exitCode, stderr } = await peerage(['install-links', `${folder}/`]);
    assert.equal(exitCode, 0);
    assert.equal(stderr.match(/, as before\n/g)?.length, NAMES.length);
    assert.deepEqual(readdirSync(folder).sort(), NAMES);
  });

  test('replaces a file or a link of somebody else only when it is told to, and otherwise makes none', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'wg'), 'theirs');
    symlinkSync('/usr/bin/wg-quick', join(folder, 'wg-quick'));
    const refused = await peerage(['install-links', folder]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, new RegExp(`already there: ${folder}/wg, ${folder}/wg-quick\n.*--force`));
    assert.deepEqual(readdirSync(folder).sort(), ['wg', 'wg-quick']);
    assert.equal(readFileSync(join(folder, 'wg'), 'utf8'), 'theirs');
    assert.equal((await peerage(['install-links', '--force', folder])).exitCode, 0);
    assert.equal(readlinkSync(join(folder, 'wg')), join(BIN, 'peerage.js'));
    assert.equal(readlinkSync(join(folder, 'wg-quick')), join(BIN, 'peerage.js'));
  });

  test('a folder in the way, and a file where the folder should be, are told by name', async () => {
    mkdirSync(join(folder, 'wg'), { recursive: true });
    const refused = await peerage(['install-links', '--force', folder]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, new RegExp(`cannot make the link ${folder}/wg: `));
    assert.deepEqual(readdirSync(folder), ['wg'], 'nothing half made is left');
    writeFileSync(join(parent, 'file'), '');
    assert.match((await peerage(['install-links', join(parent, 'file')])).stderr, /cannot look at .*\/file\/wg/);
  });
});
