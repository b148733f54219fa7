/** A web server with TLS and HTTP/2 before a registry, as the guide asks for one: DNS over HTTPS is spoken over nothing less. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Gives its port on 127.0.0.1. Its certificate is of its own making. */
export async function startTlsProxy(t: TestContext, target: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject], { stdio: 'ignore' });
  const files = { key: await readFile(key), cert: await readFile(cert) };
  await rm(folder, { recursive: true });
  const server = createSecureServer({ ...files, allowHTTP1: true }, (request, response) => {
    forward(target, request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port; // it listens on a port
}

async function forward(target: string, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // without an encoding they are
  const type = request.headers['content-type'];
  const answer = await fetch(target + request.url, {
    method: request.method,
    headers: type === undefined ? {} : { 'content-type': type },
    ...(request.method === 'POST' && { body: Buffer.concat(chunks) }),
  });
  // Without the length, dig takes an answer for an empty one.
  for (const name of ['content-type', 'content-length']) response.setHeader(name, answer.headers.get(name) ?? '');
  response.writeHead(answer.status);
  response.end(Buffer.from(await answer.arrayBuffer()));
}
