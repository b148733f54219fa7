/** The examples of the guide's chapter about the API, done one after the other with a real registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreatedToken } from '../../src/registry/wire.ts';
import { expectStatus, startLab } from '../registry/lab.ts';
import { curlCalls, type CurlCall } from './curl-calls.ts';
import { readGuide, tableRows } from './markdown.ts';

const CHAPTER = '## Every call, with curl';

function readExamples(): CurlCall[] {
  const { file, text } = readGuide('registry');
  const [before = '', chapter = ''] = text.split(CHAPTER);
  const calls = curlCalls({ file, text: before.replaceAll(/.+/g, '') + chapter }); // the lines keep their numbers
  const removals = calls.filter(({ method }) => method === 'DELETE');
  // A network is removed last, when nothing is in it any more.
  return [...calls.filter((call) => !removals.includes(call)), ...removals.toReversed()];
}

/** Status codes by call, as the table of the chapter has them. */
function readStatuses(): { method: string; pattern: RegExp; status: number }[] {
  return tableRows(readGuide('registry'), 'call', 'who', 'does').map(([call = '', , , answer = '']) => {
    const [method = '', path = ''] = call.replaceAll('`', '').split(' ');
    return { method, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`), status: parseInt(answer, 10) };
  });
}

test('every example of the chapter about the API answers as its table says', async (t) => {
  const lab = await startLab(t);
  const statuses = readStatuses();
  const examples = readExamples();
  assert.ok(examples.length > 15, `only ${examples.length} were found`);
  let hostKey = '';
  let tokenId = '';
  for (const { line, method, url, fields, isPiped, headers } of examples) {
    if (url.searchParams.has('wait')) url.searchParams.set('wait', '0'); // nothing is going to change
    if (url.pathname === '/v1/events') {
      assert.equal(await statusOfStream(lab.url + url.pathname, hostKey), 200, line.at);
      continue;
    }
    const path = `${url.pathname.replace(/pgt_\w+$/, tokenId)}${url.search}`;
    // The example's is that of another time.
    const hasIfMatch = headers.some((header) => header.startsWith('If-Match: '));
    const ifMatch = hasIfMatch ? ((await lab.ask('GET', path)).headers.get('etag') ?? '') : undefined;
    // What is brought back has to be gone first.
    if (path.endsWith('/restore')) expectStatus(204, await lab.ask('DELETE', path.replace(/\/restore$/, '')));
    const answer = await lab.ask(method, path, {
      as: headers.includes('@host.auth') ? hostKey : lab.adminKey,
      ...(Object.keys(fields).length > 0 && { body: fields }),
      ...(isPiped && { body: '', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }),
    });
    const expected = statuses.find((row) => row.method === method && row.pattern.test(url.pathname));
    assert.equal(answer.status, expected?.status, `${line.at}: ${answer.text}`);
    if (method !== 'POST' || !path.endsWith('/tokens')) continue;
    const created = answer.read(CreatedToken);
    tokenId = created.id;
    ({ hostKey } = await lab.enrol(created.token, { name: 'charlotte', routes: ['172.27.88.0/24'] }));
  }
});

/** Of an answer that does not end by itself. */
async function statusOfStream(url: string, hostKey: string): Promise<number> {
  const controller = new AbortController();
  const { status } = await fetch(url, { headers: { authorization: `Bearer ${hostKey}` }, signal: controller.signal });
  controller.abort();
  return status;
}
