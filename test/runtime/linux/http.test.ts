import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { http } from '../../../runtime/linux/http.ts';
import { UserError } from '../../../src/errors.ts';

const server = createServer((request, response) => {
  if (request.url === '/silent') return;
  if (request.url === '/moved') {
    response.writeHead(301, { location: '/' }).end();
    return;
  }
  if (request.url === '/endless') {
    // As fast as it is read, until the other side has had enough.
    const write = (): void => void (response.destroyed || response.write(Buffer.alloc(65_536, 'x'), write));
    write();
    return;
  }
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    response.writeHead(418, { etag: '"7"' });
    response.end(`${request.method} ${request.headers.authorization} ${body}`);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
after(() => server.closeAllConnections());
after(() => server.close());
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // listens on TCP

const isUserError = (message: RegExp) => (error: unknown) => error instanceof UserError && message.test(error.message);

describe('http', () => {
  it('sends what it is given; every status is an answer', async () => {
    const headers = { authorization: 'Bearer pgt_x' };
    const response = await http.request({ method: 'POST', url: `${origin}/`, headers, body: 'name=teddy' });
    assert.deepEqual([response.status, response.headers.get('etag')], [418, '"7"']);
    assert.equal(response.body, 'POST Bearer pgt_x name=teddy');
  });

  it('takes its credentials nowhere else', async () => {
    const response = await http.request({ method: 'GET', url: `${origin}/moved` });
    assert.deepEqual([response.status, response.headers.get('location')], [301, '/']);
  });

  it('says which server does not answer, without the path, which may hold a token', async () => {
    await assert.rejects(
      http.request({ method: 'GET', url: `${origin}/silent`, timeoutMs: 50 }),
      isUserError(/^cannot reach http:\/\/127\.0\.0\.1:\d+: no answer within 0\.05 seconds$/),
    );
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo; // listens on TCP
    closed.close();
    await once(closed, 'close');
    await assert.rejects(
      http.request({ method: 'GET', url: `http://127.0.0.1:${port}/pgt_secret` }),
      isUserError(/^cannot reach http:\/\/127\.0\.0\.1:\d+: connection refused$/),
    );
  });

  it('does not read an answer without an end', async () => {
    await assert.rejects(http.request({ method: 'GET', url: `${origin}/endless` }), isUserError(/more than 16 MiB/));
  });

  it('gives a request up when asked to', async () => {
    const controller = new AbortController();
    const request = http.request({ method: 'GET', url: `${origin}/silent`, signal: controller.signal });
    controller.abort();
    await assert.rejects(request);
  });

  it('takes an address that is none for a mistake of the person', async () => {
    await assert.rejects(http.request({ method: 'GET', url: 'http://a b/' }), isUserError(/is no URL/));
  });
});
