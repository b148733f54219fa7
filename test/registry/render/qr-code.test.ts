/** QR codes, read by zbar as a camera would. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { MAX_QR_BYTES, renderQrPng, renderQrSvg, renderQrTerminal } from '../../../src/registry/render/qr-code.ts';
import { photograph, readQr } from './read-qr.ts';

const SHORT = 'https://vpn.example.net/';
/** As long as the configuration of a phone with a few peers. */
const LONG = `[Interface]\nPrivateKey = ${randomBytes(32).toString('base64')}\n# ${'dolores '.repeat(100)}end`;

describe('a QR code', () => {
  for (const [size, text] of [
    ['short', SHORT],
    ['long', LONG],
  ] as const) {
    test(`of a ${size} text is read from a PNG`, async (t) => {
      assert.equal(await readQr(t, 'code.png', renderQrPng(text)), text);
    });
    test(`of a ${size} text is read from an SVG`, async (t) => {
      assert.equal(await readQr(t, 'code.svg', renderQrSvg(text)), text);
    });
    test(`of a ${size} text is read off a terminal`, async (t) => {
      assert.equal(await readQr(t, 'code.pbm', photograph(renderQrTerminal(text))), text);
    });
  }

  test('holds as much as it can hold, and refuses a byte more without repeating the text', async (t) => {
    const most = 'a'.repeat(MAX_QR_BYTES);
    assert.equal(await readQr(t, 'code.png', renderQrPng(most)), most);
    const message = `"text" expected at most ${MAX_QR_BYTES} bytes, got ${MAX_QR_BYTES + 1}`;
    for (const render of [renderQrPng, renderQrSvg, renderQrTerminal])
      assert.throws(() => render(`${most}a`), { name: 'RangeError', message });
  });
});
