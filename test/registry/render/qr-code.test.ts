/** QR codes, read by zbar as a camera would. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { MAX_QR_BYTES, renderQrPng, renderQrSvg, renderQrTerminal } from '../../../src/registry/render/qr-code.ts';
import { run } from '../../cli/peerage.ts';

const SHORT = 'https://vpn.example.net/';
/** As long as the configuration of a phone with a few peers. */
const LONG = `[Interface]\nPrivateKey = ${randomBytes(32).toString('base64')}\n# ${'dolores '.repeat(100)}end`;

async function read(t: TestContext, name: string, picture: string | Uint8Array): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-qr-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, name);
  await writeFile(file, picture);
  const { exitCode, stdout, stderr } = await run('zbarimg', [
    '--quiet',
    '--raw',
    '--nodbus',
    '-Sdisable',
    '-Sqrcode.enable',
    file,
  ]);
  assert.equal(exitCode, 0, stderr);
  return stdout.replace(/\n$/, '');
}

/** The terminal's half blocks as a picture (PBM), eight pixels a module, by what they look like and not by how they were made. */
function photograph(text: string): string {
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

describe('a QR code', () => {
  for (const [size, text] of [
    ['short', SHORT],
    ['long', LONG],
  ] as const) {
    test(`of a ${size} text is read from a PNG`, async (t) => {
      assert.equal(await read(t, 'code.png', renderQrPng(text)), text);
    });
    test(`of a ${size} text is read from an SVG`, async (t) => {
      assert.equal(await read(t, 'code.svg', renderQrSvg(text)), text);
    });
    test(`of a ${size} text is read off a terminal`, async (t) => {
      assert.equal(await read(t, 'code.pbm', photograph(renderQrTerminal(text))), text);
    });
  }

  test('holds as much as it can hold, and refuses a byte more without repeating the text', async (t) => {
    const most = 'a'.repeat(MAX_QR_BYTES);
    assert.equal(await read(t, 'code.png', renderQrPng(most)), most);
    const message = `"text" expected at most ${MAX_QR_BYTES} bytes, got ${MAX_QR_BYTES + 1}`;
    for (const render of [renderQrPng, renderQrSvg, renderQrTerminal])
      assert.throws(() => render(`${most}a`), { name: 'RangeError', message });
  });
});
