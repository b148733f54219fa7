/** A change whose answer is lost on the way: the command asks again, and it is made once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { TokenList } from '../../src/registry/wire.ts';
import { startLab } from '../registry/lab.ts';
import { peerage } from './peerage.ts';

/** Passes everything on; what becomes of the answers to the first `lost` POSTs is the test's. */
async function startProxy(t: TestContext, to: string, lost: number, lose: (answer: ServerResponse) => void) {
  const keys: (string | undefined)[] = [];
  const pass = async (request: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const body = (await request.setEncoding('utf8').toArray()).join('');
    const headers = Object.fromEntries(
      ['authorization', 'content-type', 'idempotency-key'].flatMap((name) => {
        const value = request.headers[name];
        return typeof value === 'string' ? [[name, value] as const] : [];
      }),
    );
    const { method = 'GET', url = '/' } = request;
    const upstream = await fetch(to + url, { method, headers, ...(body !== '' && { body }) });
    const text = await upstream.text();
    if (method === 'POST') keys.push(headers['idempotency-key']);
    if (method === 'POST' && keys.length <= lost) return lose(answer);
    const type = upstream.headers.get('content-type') ?? 'text/plain';
    answer.writeHead(upstream.status, { 'content-type': type }).end(text);
  };
  const server = createServer((request, answer) => void pass(request, answer));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // a TCP server has one
  return { keys, url: `http://127.0.0.1:${port}` };
}

const LOSSES: readonly (readonly [what: string, lose: (answer: ServerResponse) => void])[] = [
  ['a connection that is cut', (answer) => void answer.destroy()],
  ['a proxy that gives up', (answer) => void answer.writeHead(504).end('gateway timeout')],
];

for (const [what, lose] of LOSSES)
  test(`a token is made once, although its answer is lost twice by ${what}`, async (t) => {
    const lab = await startLab(t);
    const proxy = await startProxy(t, lab.url, 2, lose);
    const env = { PEERAGE_REGISTRY: proxy.url, PEERAGE_ADMIN_KEY: lab.adminKey };
    const made = await peerage(['token', '--network', 'home', '--json'], { env });
    assert.equal(made.exitCode, 0, made.stderr);
    const { tokens } = (await lab.ask('GET', '/v1/networks/home/tokens')).read(TokenList);
    assert.deepEqual(
      tokens.map(({ id }) => id),
      [JSON.parse(made.stdout).id],
    );
    assert.equal(proxy.keys.length, 3);
    assert(proxy.keys[0] !== undefined && new Set(proxy.keys).size === 1, 'all three with the same key');
  });

test('a registry that never answers is asked three times, and the command says what is wrong', async (t) => {
  const lab = await startLab(t);
  const proxy = await startProxy(t, lab.url, 9, (answer) => void answer.writeHead(502).end());
  const env = { PEERAGE_REGISTRY: proxy.url, PEERAGE_ADMIN_KEY: lab.adminKey };
  const failed = await peerage(['token', '--network', 'home'], { env });
  assert.equal(failed.exitCode, 1);
  assert.match(failed.stderr, /HTTP 502/);
  assert.equal(proxy.keys.length, 3);
});
