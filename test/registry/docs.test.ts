/** What a registry shows to who opens it in a browser: what it is, and the pages of its API. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { DOCS_FILES, DOCS_VERSION } from '../../src/registry/render/docs-page.ts';
import { isEdge } from './engines/engine.ts';
import { expectProblem, expectStatus, startLab, type Lab } from './lab.ts';

const require = createRequire(import.meta.url);

const read = (lab: Lab, path: string, headers: Record<string, string> = {}) =>
  lab.ask('GET', path, { as: null, headers });

describe('the pages of the API', () => {
  test('are of the version that is installed', () => {
    const { version } = require('swagger-ui-dist/package.json') as { version: string }; // npm has checked it
    assert.equal(DOCS_VERSION, version);
  });

  test('name only what the registry itself serves, and forbid all else', async (t) => {
    const lab = await startLab(t);
    const { text, headers } = expectStatus(200, await read(lab, '/docs'));
    assert.match(headers.get('content-type') ?? '', /^text\/html/);
    const policy = new Map(
      (headers.get('content-security-policy') ?? '').split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    assert.equal(policy.get('default-src'), "'none'");
    for (const name of ['script-src', 'style-src', 'connect-src']) assert.equal(policy.get(name), "'self'");
    for (const name of ['base-uri', 'form-action', 'frame-ancestors']) assert.equal(policy.get(name), "'none'");
    const named = [...text.matchAll(/ (?:src|href)="([^"]*)"/g)].map(([, address = '']) => address);
    const types: string[] = [];
    for (const address of named.filter((each) => !each.startsWith('data:'))) {
      assert.match(address, /^[a-z]/, 'relative, so that a registry may be mounted anywhere');
      const answer = expectStatus(200, await read(lab, new URL(address, `${lab.url}/docs`).pathname));
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      types.push(answer.headers.get('content-type')?.split(';')[0] ?? '');
    }
    assert.deepEqual(types.sort(), ['application/json', 'text/css', 'text/javascript', 'text/javascript']);
    // An inline script or style would be refused by the browser.
    assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son[a-z]+=/);
  });

  test('have files that are kept for ever, are not sent twice, and are as their package has them', async (t) => {
    const lab = await startLab(t);
    for (const name of Object.keys(DOCS_FILES)) {
      const path = `/docs/${DOCS_VERSION}/${name}`;
      const { text, headers } = expectStatus(200, await read(lab, path));
      assert.equal(text, readFileSync(require.resolve(`swagger-ui-dist/${name}`), 'utf8'));
      assert.equal(headers.get('cache-control'), 'public, max-age=31536000, immutable');
      const seen = { 'if-none-match': headers.get('etag') ?? '' };
      expectStatus(304, await read(lab, path, seen));
    }
    expectProblem('no-such-path', expectStatus(404, await read(lab, `/docs/${DOCS_VERSION}/package.json`)));
    expectProblem('no-such-path', expectStatus(404, await read(lab, `/docs/0.0.0/swagger-ui.css`)));
  });

  // Cloudflare compresses by itself.
  if (!isEdge)
    test('are compressed for who can read that', async (t) => {
      const lab = await startLab(t);
      const file = readFileSync(require.resolve('swagger-ui-dist/swagger-ui.css'));
      const ask = async (coding: string) => {
        const url = `${lab.url}/docs/${DOCS_VERSION}/swagger-ui.css`;
        // Not fetch(), which says nothing of how the answer came.
        const [answer] = (await once(get(url, { headers: { 'accept-encoding': coding } }), 'response')) as [
          IncomingMessage,
        ];
        const body = Buffer.concat(await answer.toArray());
        return { headers: answer.headers, body };
      };
      const compressed = await ask('br;q=0.1, gzip');
      assert.equal(compressed.headers['content-encoding'], 'gzip');
      assert.ok(gunzipSync(compressed.body).equals(file));
      assert.ok(compressed.body.length < file.length / 4, `${compressed.body.length} bytes`);
      for (const coding of ['identity', 'gzip;q=0', 'unheard-of']) {
        const plain = await ask(coding);
        assert.equal(plain.headers['content-encoding'], undefined);
        assert.ok(plain.body.equals(file));
        assert.notEqual(plain.headers.etag, compressed.headers.etag);
        assert.equal(plain.headers.vary, 'Accept-Encoding');
      }
    });
});

describe('the root of a registry', () => {
  test('says what it is and where to read on, alike for all', async (t) => {
    const lab = await startLab(t);
    const { text, headers } = expectStatus(200, await read(lab, '/'));
    assert.match(headers.get('content-type') ?? '', /^text\/plain/);
    for (const path of ['/docs', '/openapi.json']) {
      assert.ok(text.includes(`${lab.url}${path}`), text);
      expectStatus(200, await read(lab, path));
    }
    assert.equal((await lab.ask('GET', '/')).text, text);
    assert.ok(!text.includes('home'));
  });
});
