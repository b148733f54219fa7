/** A registry whose certificate a private authority has signed, asked by `peerage` on each runtime that has the system's store. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../cli/peerage.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-ca-'));
after(() => rmSync(folder, { recursive: true }));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const [nobody, noFolder] = [join(folder, 'nobody.pem'), join(folder, 'empty')];
writeFileSync(nobody, '');
mkdirSync(noFolder);
const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
const subject = ['-subj', '/CN=registry', '-addext', 'subjectAltName=DNS:localhost'];
execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });

let requests = 0;
const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
  requests++;
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"networks":[]}');
});
server.listen(0);
await once(server, 'listening');
after(() => server.closeAllConnections());
after(() => server.close());
const url = `https://localhost:${(server.address() as AddressInfo).port}`; // listens on TCP

const programs: Readonly<Record<string, string>> = {
  node: fileURLToPath(new URL('../../../runtime/node/main.ts', import.meta.url)),
  bun: fileURLToPath(new URL('../../../runtime/bun/main.ts', import.meta.url)),
};

const askTwice = fileURLToPath(new URL('programs/ask-twice.ts', import.meta.url));

/** `store`: the system's, as OpenSSL is told of another one. */
function runWith(runtime: string, store: string, args: readonly string[]) {
  const env = {
    PEERAGE_ADMIN_KEY: `pga_${'A'.repeat(43)}`,
    XDG_CONFIG_HOME: join(folder, runtime),
    SSL_CERT_FILE: store,
    SSL_CERT_DIR: noFolder,
    NODE_EXTRA_CA_CERTS: '',
    NODE_USE_SYSTEM_CA: '0',
  };
  return run(runtime, args, { env });
}

const login = (runtime: string, store: string) => runWith(runtime, store, [programs[runtime]!, 'login', url]);

for (const runtime of Object.keys(programs))
  describe(`${runtime}, before a registry with a certificate of a private authority`, () => {
    it('believes it when the system does', async () => {
      const { exitCode, stderr } = await login(runtime, cert);
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, /^Logged in to https:/);
    });

    it('believes it in all requests that were under way when the first of them was refused', async () => {
      const { stdout, stderr } = await runWith(runtime, cert, [askTwice, url]);
      assert.equal(stdout, '[200,200]', stderr);
    });

    it('sends it nothing otherwise, and says what to do', async () => {
      const before = requests;
      const { exitCode, stderr } = await login(runtime, nobody);
      assert.deepEqual([exitCode, requests], [1, before]);
      assert.match(stderr, /signed by nobody whom this host trusts\n {2}.*update-ca-certificates/);
    });
  });
