import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { programOptions } from '../interop/lab/requirements.ts';
import { MAIN, peerage, run } from './peerage.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-keys-'));
after(() => rmSync(folder, { recursive: true }));

const needsWg = programOptions('wg');

describe('genkey and pubkey', () => {
  it('make keys that wg takes for its own', needsWg, async () => {
    const { stdout: privateKey, exitCode } = await peerage(['genkey']);
    assert.equal(exitCode, 0);
    assert.match(privateKey, /^[A-Za-z0-9+/]{43}=\n$/);
    const [ours, theirs] = await Promise.all([
      peerage(['pubkey'], { input: privateKey }),
      run('wg', ['pubkey'], { input: privateKey }),
    ]);
    assert.deepEqual(ours, theirs);
  });

  it('derive the public key that wg derives from a key of its own', needsWg, async () => {
    const { stdout: privateKey } = await run('wg', ['genkey']);
    const { stdout } = await peerage(['pubkey'], { input: privateKey });
    assert.equal(stdout, (await run('wg', ['pubkey'], { input: privateKey })).stdout);
  });

  it('clamp the private key and make another one each time', async () => {
    const keys = await Promise.all([1, 2, 3].map(async () => (await peerage(['genkey'])).stdout));
    assert.equal(new Set(keys).size, 3);
    for (const key of keys) {
      const bytes = Buffer.from(key, 'base64');
      assert.equal(bytes[0]! & 7, 0);
      assert.equal(bytes[31]! >> 6, 1);
    }
  });

  for (const [input, message] of [
    ['', 'Key is not the correct length or format'],
    ['short', 'Key is not the correct length or format'],
    ['A'.repeat(44), 'Key is not the correct length or format'],
    ['x'.repeat(200), 'Trailing characters found after key'],
  ] as const)
    it(`refuse ${JSON.stringify(input.slice(0, 50))} without repeating it`, async () => {
      const { exitCode, stdout, stderr } = await peerage(['pubkey'], { input });
      assert.deepEqual([exitCode, stdout, stderr], [1, '', `peerage: ${message}\n`]);
    });
});

describe('genpsk', () => {
  it('makes 32 random bytes', async () => {
    const [a, b] = await Promise.all([peerage(['genpsk']), peerage(['genpsk'])]);
    assert.equal(Buffer.from(a.stdout, 'base64').length, 32);
    assert.notEqual(a.stdout, b.stdout);
  });
});

describe('a secret that goes to a file', () => {
  const writeKey = (command: string, umask: string) =>
    run('bash', [
      '-c',
      `umask ${umask}; '${process.execPath}' '${MAIN}' ${command} > '${join(folder, command + umask)}'`,
    ]);

  for (const command of ['genkey', 'genpsk']) {
    it(`is written by ${command} with a warning when others can read the file`, async () => {
      const { exitCode, stderr } = await writeKey(command, '022');
      assert.equal(exitCode, 0);
      assert.match(stderr, /^Warning: writing to world accessible file\./);
      assert.equal(readFileSync(join(folder, `${command}022`), 'utf8').length, 45);
    });

    it(`is written by ${command} without a word when they cannot`, async () => {
      assert.deepEqual((await writeKey(command, '077')).stderr, '');
    });
  }
});
