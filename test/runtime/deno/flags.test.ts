/** Our programs under Deno with the flags that docs/guide/deno.md lists, and with any value of any of these missing. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { DOCS_FOLDER } from '../../../runtime/linux/docs-files.ts';
import { DOCS_VERSION } from '../../../src/registry/render/docs-page.ts';
import { FLAGS, registryFlags, tunnelFlags, wgFlags } from '../../../runtime/deno/flags.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { waitFor } from '../../interop/lab/wait.ts';

const PRIVATE_KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const PEER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
const CHECKOUT = resolve(import.meta.dirname, '../../..');
const SOCKETS = '/var/run/wireguard';
const SOCKET = join(SOCKETS, 'wg0.sock');
const START_MS = 240_000;

/** One of our programs, under Deno with these flags and no others. It ends with the test. */
function start(t: TestContext, flags: readonly string[], program: string, args: readonly string[], variables = {}) {
  const file = join(CHECKOUT, `runtime/deno/${program}.ts`);
  const child = spawn(process.execPath, ['run', ...flags, file, ...args], {
    env: { ...process.env, NO_COLOR: '', NOTIFY_SOCKET: '', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let hasEnded = false;
  const ended = once(child, 'close').then(([code]: unknown[]) => {
    hasEnded = true;
    return code;
  });
  const said = { stdout: '', stderr: '', all: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      said.all += text;
    });
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(stop);
  return {
    said,
    ended,
    stop,
    // Not child.kill(): Deno then takes the signal for what ended the process.
    kill: (signal: NodeJS.Signals) => process.kill(child.pid!, signal),
    hasEnded: () => hasEnded,
  };
}

type Started = ReturnType<typeof start>;

async function until(what: string, { said, hasEnded }: Started, isTrue: () => boolean): Promise<void> {
  await waitFor(what, () => isTrue() || hasEnded(), { timeoutMs: START_MS });
  assert.ok(isTrue(), said.stderr);
}

const REFUSAL = /Requires \w+ access|Could not open library/;

/** The program says which kind of access it lacks, and asks nobody. */
async function expectRefused(started: Started, missing: string, isRefused = () => REFUSAL.test(started.said.stderr)) {
  await until(`it asks for ${missing}`, started, isRefused);
  await started.stop();
}

/** Of the registry's pages: all but them it serves without. */
const DOCS = resolve(DOCS_FOLDER);

async function askForDocs(registry: Started): Promise<number> {
  await until('it answers', registry, () => /answers at \S+;/.test(registry.said.all));
  const [, url] = /answers at (\S+);/.exec(registry.said.all)!;
  const answer = await fetch(`${url}/docs/${DOCS_VERSION}/swagger-ui.css`);
  await answer.text();
  return answer.status;
}

async function expectNoDocs(registry: Started): Promise<void> {
  assert.equal(await askForDocs(registry), 500);
  assert.match(registry.said.stderr, /NotCapable/);
  await registry.stop();
}

/** Each value of the flags that allow something, and all but it. */
function withoutOne(flags: readonly string[]): [missing: string, others: string[]][] {
  return flags
    .filter((flag) => flag.startsWith('--allow-'))
    .flatMap((flag) => {
      const [name, all] = flag.split('=');
      const values = all?.split(',') ?? [''];
      return values.map((value): [string, string[]] => {
        const rest = values.filter((each) => each !== value);
        const less = rest.length === 0 ? [] : [`${name}=${rest.join(',')}`];
        return [
          all === undefined ? flag : `${name}=${value}`,
          flags.flatMap((each) => (each === flag ? less : [each])),
        ];
      });
    });
}

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-flags-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function serve(t: TestContext, flags: readonly string[], folder: string, variables = {}): Started {
  const args = ['registry', 'serve', '--db', join(folder, 'registry.db'), '--listen', '127.0.0.1:0'];
  return start(t, flags, 'main', args, variables);
}

/** A service's variables, and what its systemd-notify is told, in a file. */
function systemd(folder: string) {
  const said = join(folder, 'said');
  writeFileSync(join(folder, 'systemd-notify'), '#!/bin/sh\necho "$@" >"$NOTIFY_SOCKET"\n', { mode: 0o755 });
  return { said, variables: { NOTIFY_SOCKET: said, PATH: `${folder}${delimiter}${process.env['PATH']}` } };
}

test('the guide lists these flags, and no others', () => {
  const guide = readFileSync(join(CHECKOUT, 'docs/guide/deno.md'), 'utf8');
  const calls = [...guide.matchAll(/^deno run ([^]*?)\n```/gm)].map(([, call = '']) =>
    call.match(/--[a-z-]+(?:=\S+)?/g)!,
  );
  const inOpt = (flags: readonly string[]) => flags.map((flag) => flag.replaceAll(CHECKOUT, '/opt/peerage'));
  const expected = [
    inOpt(registryFlags('/var/lib/peerage', '127.0.0.1:8080')).concat('--db', '--listen'),
    inOpt(registryFlags('/var/lib/peerage', '127.0.0.1:8080', { underSystemd: true })).concat('--db', '--listen'),
    inOpt(tunnelFlags({ name: 'wg0' })),
    wgFlags({ name: 'wg0' }),
    wgFlags({ withHostNames: true }),
    FLAGS.peerage,
    FLAGS.peerage, // as wg-quick
  ];
  assert.deepEqual(
    calls.map((flags) => flags.toSorted()),
    expected.map((flags) => flags.toSorted()),
  );
});

inNamespace(import.meta.url, [], () => {
  test('the registry runs with its flags, warns of nothing, and ends while somebody sends half a request', async (t) => {
    const folder = openFolder(t);
    const registry = serve(t, registryFlags(folder, '127.0.0.1'), folder);
    await until('it answers', registry, () => /answers at[^]*Admin key: \S+\n/.test(registry.said.all));
    const url = new URL(/answers at (\S+);/.exec(registry.said.all)![1]!);
    const key = /Admin key: (\S+)/.exec(registry.said.all)![1]!;
    const networks = await fetch(new URL('/v1/networks', url), { headers: { authorization: `Bearer ${key}` } });
    assert.equal(networks.status, 200);
    await networks.text();
    assert.equal(await askForDocs(registry), 200);

    const socket = connect(Number(url.port), url.hostname).on('error', () => undefined);
    await once(socket, 'connect');
    const half = `POST /v1/networks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: 99\r\n\r\n{`;
    await new Promise((sent) => socket.write(half, sent));
    registry.kill('SIGTERM');
    assert.equal(await registry.ended, 0);
    assert.doesNotMatch(registry.said.all, /Deno|error/i);
    socket.destroy();
  });

  test('the registry needs all that its flags allow', async (t) => {
    const folder = openFolder(t);
    for (const [missing, others] of withoutOne(registryFlags(folder, '127.0.0.1'))) {
      const registry = serve(t, others, folder);
      await (missing.endsWith(DOCS) ? expectNoDocs(registry) : expectRefused(registry, missing));
    }
  });

  test('the registry tells systemd that it is ready, and needs all that the flags for that allow', async (t) => {
    const folder = openFolder(t);
    const { said, variables } = systemd(folder);
    const flags = registryFlags(folder, '127.0.0.1', { underSystemd: true });
    const registry = serve(t, flags, folder, variables);
    await until('systemd is told', registry, () => existsSync(said) && readFileSync(said, 'utf8') === '--ready\n');
    registry.kill('SIGTERM');
    assert.equal(await registry.ended, 0);
    assert.doesNotMatch(registry.said.all, /Deno|error|Warning/i);
    // Those of its pages are tried above.
    for (const [missing, others] of withoutOne(flags).filter(([missing]) => !missing.endsWith(DOCS)))
      await expectRefused(serve(t, others, folder, variables), missing);
  });

  test('the tunnel runs with its flags, and wg sets it and shows it with its own, of which it needs all', async (t) => {
    const tunnel = start(t, tunnelFlags({ name: 'wg0' }), 'peerage-tun', ['-f', 'wg0']);
    await until('it answers', tunnel, () => existsSync(SOCKET));
    const folder = openFolder(t);
    const key = join(folder, 'key');
    writeFileSync(key, PRIVATE_KEY, { mode: 0o600 });
    const allow = (flags: readonly string[]) => flags.map((flag) => flag.replace('/etc/wireguard', folder));
    const set = (endpoint: string) => ['set', 'wg0', 'private-key', key, 'peer', PEER, 'endpoint', endpoint];
    const show = ['show', 'wg0'];
    const wg = async (flags: readonly string[], args: readonly string[]) => {
      const { said, ended } = start(t, flags, 'wg', args, { WG_ENDPOINT_RESOLUTION_RETRIES: '0' });
      const code = await ended;
      return { ...said, code };
    };

    for (const [flags, name, endpoint] of [
      [wgFlags({ name: 'wg0' }), '127.0.0.1:5', /endpoint: 127\.0\.0\.1:5\n/],
      [wgFlags(), '127.0.0.1:6', /endpoint: 127\.0\.0\.1:6\n/],
      [wgFlags({ withHostNames: true }), 'localhost:7', /endpoint: (?:127\.0\.0\.1|\[::1\]):7\n/],
    ] as const) {
      const allowed = allow(flags);
      assert.deepEqual(await wg(allowed, set(name)), { stdout: '', stderr: '', all: '', code: 0 });
      const shown = await wg(allowed, show);
      assert.equal(shown.stderr, '');
      assert.match(shown.stdout, endpoint);
      for (const [missing, others] of withoutOne(allowed)) {
        const outcomes = [await wg(others, set(name)), await wg(others, show)];
        assert.ok(
          outcomes.some(({ code }) => code !== 0),
          `it works without ${missing}`,
        );
      }
    }
    const unknown = await wg(allow(wgFlags({ withHostNames: true })), set('nowhere.invalid:7'));
    assert.match(unknown.stderr, /^(?:Name or service not known|Temporary failure in name resolution): /);
    tunnel.kill('SIGTERM');
    assert.equal(await tunnel.ended, 0);
    assert.equal(tunnel.said.stderr, '');
  });

  test('the tunnel needs all that its flags allow', async (t) => {
    for (const [missing, others] of withoutOne(tunnelFlags({ name: 'wg0' }))) {
      rmSync(SOCKET, { force: true });
      const tunnel = start(t, others, 'peerage-tun', ['-f', 'wg0']);
      let isUp = false;
      // Threads for packets start with the interface.
      await expectRefused(tunnel, missing, () => {
        if (!isUp && existsSync(SOCKET)) {
          execFileSync('ip', ['link', 'set', 'wg0', 'up']);
          isUp = true;
        }
        return REFUSAL.test(tunnel.said.stderr);
      });
    }
  });
});
