/** What every HTTP server that runs the registry must do. Run it in a few lines per adapter. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { HttpServer, HttpServerOptions } from '../../runtime/linux/http-server.ts';
import { UserError } from '../../src/errors.ts';
import { labOptions, USER_NAMESPACE } from '../interop/lab/requirements.ts';
import { programCommand } from './commands.ts';

const listener = programCommand(fileURLToPath(new URL('programs/listen-on-port.ts', import.meta.url)));

type Handler = HttpServerOptions['fetch'];

/** `start` listens on the port, or on one of its choosing for 0. */
export function httpServerConformance(name: string, start: (options: HttpServerOptions) => Promise<HttpServer>): void {
  describe(`HTTP server ${name}`, () => {
    const serve = (fetch: Handler, port = 0) => start({ fetch, hostname: '127.0.0.1', port });

    test('method, path, headers and body reach the handler, and its answer the client', async () => {
      const server = await serve(async (request) => {
        const { pathname, search } = new URL(request.url);
        const said = [request.method, pathname, search, request.headers.get('x-header'), await request.text()];
        return Response.json(said, { status: 201, headers: { etag: '"1"' } });
      });
      const options = { method: 'POST', headers: { 'x-header': 'ä'.normalize('NFC') }, body: 'körper' };
      const answer = await fetch(`${server.url}/a%20b?c=d`, options);
      assert.deepEqual([answer.status, answer.headers.get('etag')], [201, '"1"']);
      assert.deepEqual(await answer.json(), ['POST', '/a%20b', '?c=d', 'ä', 'körper']);
      await server.close();
    });

    for (const [hostname, pattern, peer] of [
      ['127.0.0.1', /^http:\/\/127\.0\.0\.1:\d+$/, /^127\.0\.0\.1$/],
      ['::1', /^http:\/\/\[::1\]:\d+$/, /^::1$/],
      ['localhost', /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/, /^(127\.0\.0\.1|::1)$/],
    ] as const)
      test(`on ${hostname} the address is in the URL, and the handler is told who asks`, async () => {
        const fetch: Handler = (_, { peerAddress }) => new Response(peerAddress);
        const server = await start({ fetch, hostname, port: 0 });
        assert.match(server.url, pattern);
        assert.match(await (await globalThis.fetch(server.url)).text(), peer);
        await server.close();
      });

    test('on all addresses it answers IPv6 and IPv4', async () => {
      const fetch: Handler = (_, { peerAddress }) => new Response(peerAddress);
      const server = await start({ fetch, hostname: '::', port: 0 });
      assert.match(server.url, /^http:\/\/\[::\]:\d+$/);
      const { port } = new URL(server.url);
      const ask = async (host: string) => (await globalThis.fetch(`http://${host}:${port}`)).text();
      assert.deepEqual([await ask('[::1]'), await ask('127.0.0.1')], ['::1', '::ffff:127.0.0.1']);
      await server.close();
    });

    test('a name that has no address is an error that says so', async () => {
      await assert.rejects(
        start({ fetch: () => new Response(), hostname: 'no-such-host.invalid', port: 0 }),
        (error) => error instanceof UserError && /cannot listen on no-such-host\.invalid port 0/.test(error.message),
      );
    });

    test('a client that goes away aborts the request', async () => {
      const arrived = Promise.withResolvers<void>();
      const aborted = Promise.withResolvers<void>();
      const server = await serve(({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve());
        arrived.resolve();
        return aborted.promise.then(() => new Response());
      });
      const client = new AbortController();
      const request = fetch(server.url, { signal: client.signal });
      await arrived.promise;
      client.abort();
      await assert.rejects(request, { name: 'AbortError' });
      await aborted.promise;
      await server.close();
    });

    test('closing lets a request under way end, and takes no new one', async () => {
      const arrived = Promise.withResolvers<void>();
      const release = Promise.withResolvers<void>();
      const server = await serve(async () => {
        arrived.resolve();
        await release.promise;
        return new Response('whole');
      });
      const request = fetch(server.url);
      await arrived.promise;
      const closed = server.close();
      const late = await fetch(server.url).then(
        ({ status }) => status,
        () => 'no connection',
      );
      assert.ok(late === 'no connection' || late === 503, `${late}`);
      release.resolve();
      assert.equal(await (await request).text(), 'whole');
      await closed;
    });

    for (const [what, text] of [
      ['half a header', 'GET / HTTP/1.1\r\nHost: x\r\n'],
      ['half a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
      ['a body without an end', 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'],
    ] as const)
      test(`closing does not wait for who sent ${what} and no more`, { timeout: 60_000 }, async () => {
        const arrived = Promise.withResolvers<void>();
        const fetch: Handler = async (request) => {
          arrived.resolve();
          return new Response(await request.text().catch(() => 'cut off'));
        };
        const server = await start({ fetch, hostname: '127.0.0.1', port: 0, graceMs: 50 });
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
        socket.on('error', () => undefined); // it may end with a reset
        await once(socket, 'connect');
        const closed = new Promise((resolve) => socket.once('close', resolve));
        await new Promise((sent) => socket.write(text, sent));
        if (text.includes('\r\n\r\n')) await arrived.promise; // the handler sees what has a whole header
        await server.close();
        socket.resume();
        await closed;
      });

    test('a port that is taken is an error that says so', async () => {
      const server = await serve(() => new Response());
      const port = Number(new URL(server.url).port);
      await assert.rejects(
        serve(() => new Response(), port),
        (error) => error instanceof UserError && /listens on 127\.0\.0\.1 port \d+ already/.test(error.message),
      );
      await server.close();
    });

    for (const hostname of ['127.0.0.1', '::1'])
      test(`a port of ${hostname} that takes a right is an error that says so`, labOptions('setpriv'), async () => {
        // In a new namespace the ports below 1024 are root's, whatever the machine has set; root's without this right.
        const namespace = [...USER_NAMESPACE, '--net'];
        const setpriv = ['setpriv', '--inh-caps=-net_bind_service', '--bounding-set=-net_bind_service'];
        const inside = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...setpriv, ...listener, hostname, '1023'];
        const { stdout } = await promisify(execFile)('unshare', [...namespace, ...inside]);
        assert.match(
          stdout,
          /^no permission to listen on \S+ port 1023\nPorts below 1024 need root: choose a higher one/,
        );
      });
  });
}
