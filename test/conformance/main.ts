/** The program `peerage` under each of its names, called through a link. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { VERSION } from '../../src/cli/version.ts';

export function mainConformance({ name, peerage }: Runtime): void {
  describe(`the program on ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'peerage-main-'));
    after(() => rmSync(folder, { recursive: true }));
    const [program, ...first] = peerage;
    const file = first.pop() ?? '';

    const call = (link: string, args: readonly string[], cwd = folder) => {
      const { status, stdout, stderr } = spawnSync(program, [...first, link, ...args], { cwd, encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    for (const link of ['wg', 'wg-quick', 'other']) symlinkSync(file, join(folder, link));

    test('under its own name, and under any but those two, it is peerage', () => {
      for (const link of [file, join(folder, 'other')])
        assert.deepEqual(call(link, ['--version']), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
    });

    test('doctor says what runs it, and with which crypto provider', () => {
      const { stdout } = call(file, ['doctor', '--json']);
      assert.match(stdout, new RegExp(`peerage [0-9.]+ on ${name} [0-9.]+ \\(`, 'i'));
      assert.match(stdout, /crypto provider .{1,2}libcrypto/);
    });

    test('called as wg it is wg', () => {
      assert.match(call(join(folder, 'wg'), ['genkey']).stdout, /^[A-Za-z0-9+/]{43}=\n$/);
      assert.match(call('./wg', ['--help']).stdout, /^Usage: wg <cmd>/);
      assert.match(call(join(folder, 'wg'), ['wg-quick']).stderr, /Invalid subcommand: `wg-quick'/);
    });

    test('called as wg-quick it is wg-quick', () => {
      assert.match(call(join(folder, 'wg-quick'), ['--help']).stderr, /^Usage: wg-quick \[ up/);
      assert.equal(call('./wg-quick', []).status, 1);
    });
  });
}
