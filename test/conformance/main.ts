/** The program `peerage` under each of its names, called through a link or by a file of that name. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { after, describe, test } from 'node:test';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import { VERSION } from '../../src/cli/version.ts';

/** `files`: those of the names on a runtime that goes by no links. */
export function mainConformance({ name, peerage }: Runtime, files?: Readonly<Record<'wg' | 'wg-quick', string>>): void {
  describe(`the program on ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'peerage-main-'));
    after(() => rmSync(folder, { recursive: true }));
    const [program, ...first] = peerage;
    const file = first.pop() ?? '';

    const call = (link: string, args: readonly string[], cwd = folder) => {
      const { status, stdout, stderr } = spawnSync(program, [...first, link, ...args], { cwd, encoding: 'utf8' });
      return { status, stdout, stderr };
    };
    const link = (linkName: string) => {
      const path = join(folder, linkName);
      symlinkSync(file, path);
      return path;
    };
    const { wg, 'wg-quick': wgQuick } = files ?? { wg: link('wg'), 'wg-quick': link('wg-quick') };
    /** As from its own folder. */
    const callHere = (path: string, args: readonly string[]) => call(`./${basename(path)}`, args, dirname(path));

    test('under its own name, and under any but those two, it is peerage', () => {
      for (const path of files === undefined ? [file, link('other')] : [file])
        assert.deepEqual(call(path, ['--version']), { status: 0, stdout: `${VERSION}\n`, stderr: '' });
    });

    test('doctor says what runs it, and with which crypto provider', () => {
      const { stdout } = call(file, ['doctor', '--json']);
      assert.match(stdout, new RegExp(`peerage [0-9.]+ on ${name} [0-9.]+ \\(`, 'i'));
      assert.match(stdout, /crypto provider .{1,2}libcrypto/);
    });

    test('called as wg it is wg', () => {
      assert.match(call(wg, ['genkey']).stdout, /^[A-Za-z0-9+/]{43}=\n$/);
      assert.match(callHere(wg, ['--help']).stdout, /^Usage: wg <cmd>/);
      assert.match(call(wg, ['wg-quick']).stderr, /Invalid subcommand: `wg-quick'/);
    });

    test('called as wg-quick it is wg-quick', () => {
      assert.match(call(wgQuick, ['--help']).stderr, /^Usage: wg-quick \[ up/);
      assert.equal(callHere(wgQuick, []).status, 1);
    });

    test('each of them can be called like a program', () => {
      const runtimes = `${dirname(process.execPath)}:${join(import.meta.dirname, '../../node_modules/.bin')}`;
      const env = { ...process.env, PATH: `${runtimes}:${process.env['PATH']}` };
      for (const path of [file, wg, wgQuick]) {
        const { status, error } = spawnSync(path, ['--help'], { cwd: folder, env });
        assert.equal(status, 0, String(error));
      }
    });
  });
}
