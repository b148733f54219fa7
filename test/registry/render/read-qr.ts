/** Reads QR codes with zbar, as a camera would. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { run } from '../../cli/peerage.ts';

/** `name` says by its ending what kind of picture it is. */
export async function readQr(t: TestContext, name: string, picture: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-qr-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, name);
  await writeFile(file, picture);
  const symbologies = ['-Sdisable', '-Sqrcode.enable'];
  const { exitCode, stdout, stderr } = await run('zbarimg', ['--quiet', '--raw', '--nodbus', ...symbologies, file]);
  assert.equal(exitCode, 0, stderr);
  return stdout.replace(/\n$/, '');
}

/** The terminal's half blocks as a picture (PBM), eight pixels a module, by what they look like and not by how they were made. */
export function photograph(text: string): string {
  const rows = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      // oxlint-disable-next-line no-control-regex -- the colours of a terminal
      const [, blocks = ''] = /^\u001B\[30;107m(.*)\u001B\[0m$/.exec(line) ?? [];
      assert.notEqual(blocks, '');
      const upper = blocks.split('').map((block) => ('█▀'.includes(block) ? 1 : 0));
      const lower = blocks.split('').map((block) => ('█▄'.includes(block) ? 1 : 0));
      return [upper, lower];
    });
  const scaled = rows.flatMap((row) => Array<string>(8).fill(row.map((bit) => `${bit} `.repeat(8)).join('')));
  return `P1\n${rows[0]!.length * 8} ${scaled.length}\n${scaled.join('\n')}\n`;
}
