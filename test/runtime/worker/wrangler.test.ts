/** The registry as its administrator brings it to the edge: wrangler's own commands in this checkout, and a host with curl. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { someKey } from '../../registry/lab.ts';

const execute = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../../..');
const WRANGLER = join(CHECKOUT, 'node_modules/.bin/wrangler');
/** Of a Worker of the free plan, compressed. */
const MOST_BYTES = 3_000_000;

/** What `peerage registry admin-key --json` prints, as its help says. */
interface MadeKey {
  readonly adminKey: string;
  readonly sql: string;
  readonly hash: string;
}

async function folder(t: TestContext): Promise<{ path: string; env: NodeJS.ProcessEnv }> {
  const path = await mkdtemp(join(tmpdir(), 'peerage-wrangler-'));
  t.after(() => rm(path, { recursive: true }));
  return { path, env: { ...process.env, HOME: path, CI: 'true', NO_COLOR: '1', WRANGLER_SEND_METRICS: 'false' } };
}

describe('wrangler, in this checkout', () => {
  test('deploys both environments, as far as that goes without an account', async (t) => {
    const { path, env } = await folder(t);
    for (const environment of ['', 'production']) {
      const outdir = join(path, environment);
      await execute(WRANGLER, ['deploy', '--dry-run', '--outdir', outdir, '--env', environment], {
        cwd: CHECKOUT,
        env,
      });
      const [bundle] = globSync(join(outdir, '*.js'));
      const { length } = gzipSync(readFileSync(bundle!));
      assert.ok(length < MOST_BYTES, `${length} bytes`);
    }
  });

  test('serves a registry on this machine, whose hosts enrol with curl', async (t) => {
    const { path, env } = await folder(t);
    const local = ['--local', '--persist-to', path];
    const wrangler = (...args: string[]) => execute(WRANGLER, args, { cwd: CHECKOUT, env });
    await wrangler('d1', 'migrations', 'apply', 'DB', ...local);
    const makeKey = () =>
      execute('node', ['runtime/node/main.ts', 'registry', 'admin-key', '--json'], { cwd: CHECKOUT });
    const made = await makeKey();
    const secret = JSON.parse((await makeKey()).stdout) as MadeKey;
    const secrets = join(path, 'secrets');
    await writeFile(secrets, `ADMIN_KEY_HASH=${secret.hash}\n`);
    const { adminKey, sql } = JSON.parse(made.stdout) as MadeKey;
    await wrangler('d1', 'execute', 'DB', ...local, '--command', sql);

    const url = await serve(t, path, env, secrets);
    const curl = async (...args: string[]): Promise<string> => (await execute('curl', ['-fsS', ...args])).stdout;
    const admin = ['-H', `Authorization: Bearer ${adminKey}`, '-H', 'Content-Type: application/json'];
    assert.equal(await curl(`${url}/healthz`), '{"status":"ok"}');
    const [file] = /docs\/[\d.]+\/swagger-ui\.css/.exec(await curl(`${url}/docs`)) ?? assert.fail('no style sheet');
    const style = await curl('-i', `${url}/${file}`);
    assert.match(style, /^cache-control: public, max-age=31536000, immutable\r$/im);
    assert.match(style, /^\.swagger-ui/m);
    await curl(`${url}/v1/networks`, ...admin, '-d', '{"name":"home"}');
    assert.match(await curl(`${url}/v1/networks/home`, '-H', `Authorization: Bearer ${secret.adminKey}`), /"home"/);
    const stranger = (JSON.parse((await makeKey()).stdout) as MadeKey).adminKey;
    await assert.rejects(curl(`${url}/v1/networks/home`, '-H', `Authorization: Bearer ${stranger}`), /401/);
    const { token } = JSON.parse(await curl(`${url}/v1/networks/home/tokens`, ...admin, '-d', '{}')) as {
      token: string;
    };
    assert.match(await curl(`${url}/${token}`), new RegExp(`^#!/bin/sh[^]*${token}`));
    const facts = ['--data-urlencode', 'name=teddy', '--data-urlencode', `publicKey=${someKey()}`];
    const config = await curl(`${url}/v1/enroll`, '-H', `Authorization: Bearer ${token}`, ...facts);
    const [hostKey] = /pgh_[A-Za-z0-9_-]{43}/.exec(config) ?? assert.fail(config);
    const etags = join(path, 'etags');
    const peers = (): Promise<string> =>
      curl(
        `${url}/v1/peers?wait=55`,
        '-H',
        `Authorization: Bearer ${hostKey}`,
        '--etag-save',
        etags,
        '--etag-compare',
        etags,
        '-w',
        '%{http_code} %header{retry-after}',
        '-o',
        join(path, 'peers'),
      );
    assert.equal(await peers(), '200 ');
    assert.equal(await peers(), '304 60');
  });
});

/** Starts `wrangler dev` and gives its address. */
async function serve(t: TestContext, path: string, env: NodeJS.ProcessEnv, secrets: string): Promise<string> {
  const args = [
    'dev',
    '--ip',
    '127.0.0.1',
    '--port',
    '0',
    '--inspector-port',
    '0',
    '--persist-to',
    path,
    '--env-file',
    secrets,
  ];
  const child = spawn(WRANGLER, args, { cwd: CHECKOUT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  t.after(async () => {
    child.kill('SIGINT');
    await ended;
  });
  let said = '';
  return new Promise((found, reject) => {
    const read = (text: string): void => {
      said += text;
      const [, url] = /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(said) ?? [];
      if (url !== undefined) found(url);
    };
    child.stdout.setEncoding('utf8').on('data', read);
    child.stderr.setEncoding('utf8').on('data', read);
    void ended.then(() => reject(new Error(`wrangler dev ended: ${said}`)));
  });
}
