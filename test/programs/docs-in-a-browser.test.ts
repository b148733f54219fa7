/** The pages at /docs in a real browser: they show the whole API and try it, ask nobody else, and remember no key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programOptions } from '../interop/lab/requirements.ts';
import { waitFor } from '../interop/lab/wait.ts';
import { startLab } from '../registry/lab.ts';
import { operationsOf } from '../registry/operations.ts';
import { openPage } from './chromium.ts';

/** `GET /healthz` of each operation that is on the page. */
const SHOWN = `[...document.querySelectorAll('.opblock-summary')].map((line) =>
  line.querySelector('.opblock-summary-method').textContent + ' ' + line.querySelector('[data-path]').dataset.path)`;
const click = (selector: string) => `document.querySelector(${JSON.stringify(selector)})?.click() !== null`;
const count = (selector: string) => `document.querySelectorAll(${JSON.stringify(selector)}).length`;

test('the pages of the API work in a browser, by the registry alone', programOptions('chromium'), async (t) => {
  const lab = await startLab(t);
  const operations = operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text));
  const expected = operations.map(({ method, path }) => `${method} ${path}`).sort();
  const page = await openPage(t, `${lab.url}/docs`);
  const until = (expression: string) =>
    waitFor(expression, async () => Boolean(await page.evaluate(expression)), {
      explain: async () => `${page.complaints.join('\n')}\n${String(await page.evaluate('document.body.innerText'))}`,
    });

  await until(`${count('.opblock')} === ${expected.length}`);
  assert.deepEqual(((await page.evaluate(SHOWN)) as string[]).sort(), expected); // what the expression makes

  // An administrator logs in on the page, and asks for the networks.
  await page.evaluate(click('.auth-wrapper .authorize'));
  const input = '.auth-container input';
  await until(count(input));
  await page.evaluate(`document.querySelector('${input}').focus()`);
  await page.type(lab.adminKey);
  await page.evaluate(click('.auth-btn-wrapper .authorize'));
  await until(count('.auth-container .auth-btn-wrapper .btn:not(.authorize)'));
  await page.evaluate(click('.close-modal'));
  const operation = '#operations-networks-get_v1_networks';
  await page.evaluate(click(`${operation} .opblock-summary-control`));
  await until(count(`${operation} .try-out__btn`));
  await page.evaluate(click(`${operation} .try-out__btn`));
  await until(count(`${operation} .execute`));
  await page.evaluate(click(`${operation} .execute`));
  await until(`document.querySelector('${operation} .live-responses-table')?.innerText.includes('vpn.example.net')`);

  assert.deepEqual(
    page.requests.filter((request) => !request.startsWith(`GET ${lab.url}/`) && !request.startsWith('GET data:')),
    [],
  );
  const asked = page.requests.filter((request) => request.split('?')[0] === `GET ${lab.url}/v1/networks`);
  assert.equal(asked.length, 1, page.requests.join('\n'));
  assert.deepEqual(page.complaints, []);
  assert.equal(await page.evaluate('localStorage.length + sessionStorage.length + document.cookie.length'), 0);
});
