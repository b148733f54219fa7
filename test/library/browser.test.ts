/** The core runs in a browser: a real one, headless, on a page that holds nothing but the bundle. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { programOptions } from '../interop/lab/requirements.ts';
import { bundle } from './bundle.ts';
import { EXPECTED } from './handshake-probe.ts';

const PAGE = `
  import { probe } from './handshake-probe.ts';
  probe().then(show, (error) => show(String(error.stack)));
  function show(text) { document.body.textContent = text; }
`;

test('the core does a handshake and carries packets in a browser', programOptions('chromium'), async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-browser-'));
  try {
    const page = join(folder, 'page.html');
    await writeFile(page, `<!doctype html><title>probe</title><body><script type="module">${await script()}</script>`);
    // Virtual time: the page is printed when no timer is left, however slow the machine is.
    const options = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=60000'];
    const arguments_ = [
      ...options,
      `--user-data-dir=${join(folder, 'profile')}`,
      '--dump-dom',
      pathToFileURL(page).href,
    ];
    const { stdout } = await promisify(execFile)('chromium', arguments_, { maxBuffer: 16 * 1024 * 1024 });
    assert.equal(/<body>([^<]*)<\/body>/.exec(stdout)?.[1]?.trim(), EXPECTED, stdout.slice(-1_000));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
});

/** As it may stand inside a page. */
async function script(): Promise<string> {
  return (await bundle(PAGE, 'browser')).replaceAll('</script', '<\\/script');
}
