/** Our programs under Deno with the flags that docs/guide/deno.md lists, and with any one of these missing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { FLAGS, registryFlags, tunnelFlags } from '../../../runtime/deno/flags.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { waitFor } from '../../interop/lab/wait.ts';

const PRIVATE_KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=';
const PEER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=';
const CHECKOUT = resolve(import.meta.dirname, '../../..');
const SOCKETS = '/var/run/wireguard';
const START_MS = 120_000;

/** One of our programs, under Deno with these flags and no others. It ends with the test. */
function start(t: TestContext, flags: readonly string[], program: string, ...args: string[]) {
  const file = join(CHECKOUT, `runtime/deno/${program}.ts`);
  const child = spawn(process.execPath, ['run', ...flags, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close').then(([code]: unknown[]) => code);
  const said = { stdout: '', stderr: '', all: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
      said.all += text;
    });
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    said,
    ended,
    // Not child.kill(): Deno then takes the signal for what ended the process.
    kill: (signal: NodeJS.Signals) => process.kill(child.pid!, signal),
    hasEnded: () => child.exitCode !== null,
  };
}

type Started = ReturnType<typeof start>;

async function until(what: string, { said, hasEnded }: Started, isTrue: () => boolean): Promise<void> {
  await waitFor(what, () => isTrue() || hasEnded(), { timeoutMs: START_MS });
  assert.ok(isTrue(), said.stderr);
}

/** The program says which kind of access it lacks, and asks nobody. */
async function expectRefused(started: Started, flag: string): Promise<void> {
  assert.notEqual(await started.ended, 0, `it works without ${flag}`);
  assert.match(started.said.stderr, /Requires \w+ access|Could not open library/, flag);
}

/** Each of the flags that allow something, and all but it. */
function withoutOne(flags: readonly string[]): [missing: string, others: string[]][] {
  return flags
    .filter((flag) => flag.startsWith('--allow-'))
    .map((missing) => [missing, flags.filter((flag) => flag !== missing)]);
}

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-flags-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function serve(t: TestContext, flags: readonly string[], folder: string): Started {
  return start(t, flags, 'main', 'registry', 'serve', '--db', join(folder, 'registry.db'), '--listen', '127.0.0.1:0');
}

test('the guide lists these flags, and no others', () => {
  const guide = readFileSync(join(CHECKOUT, 'docs/guide/deno.md'), 'utf8');
  const calls = [...guide.matchAll(/^deno run ([^]*?)\n```/gm)].map(([, call = '']) =>
    call.match(/--[a-z-]+(?:=\S+)?/g)!,
  );
  const expected = [
    registryFlags('/var/lib/peerage', '127.0.0.1:8080').concat('--db', '--listen'),
    tunnelFlags({ name: 'wg0' }).map((flag) => flag.replace(CHECKOUT, '/opt/peerage')),
    FLAGS.wg,
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

    const socket = connect(Number(url.port), url.hostname).on('error', () => undefined);
    await once(socket, 'connect');
    const half = `POST /v1/networks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: 99\r\n\r\n{`;
    await new Promise((sent) => socket.write(half, sent));
    registry.kill('SIGTERM');
    assert.equal(await registry.ended, 0);
    assert.doesNotMatch(registry.said.all, /Deno|error/i);
    socket.destroy();
  });

  test('the registry needs each of its flags', async (t) => {
    const folder = openFolder(t);
    for (const [missing, others] of withoutOne(registryFlags(folder, '127.0.0.1')))
      await expectRefused(serve(t, others, folder), missing);
  });

  test('the tunnel runs with its flags, and wg sets it and shows it with its own', async (t) => {
    const tunnel = start(t, tunnelFlags({ name: 'wg0' }), 'peerage-tun', '-f', 'wg0');
    const wg = async (...args: string[]) => {
      const { said, ended } = start(t, FLAGS.wg, 'wg', ...args);
      assert.equal(await ended, 0, said.stderr);
      assert.equal(said.stderr, '');
      return said.stdout;
    };
    await until('it answers', tunnel, () => existsSync(join(SOCKETS, 'wg0.sock')));
    writeFileSync(join(SOCKETS, 'key'), PRIVATE_KEY, { mode: 0o600 });
    await wg('set', 'wg0', 'private-key', join(SOCKETS, 'key'), 'peer', PEER, 'endpoint', '127.0.0.1:5');
    assert.match(await wg('show', 'wg0'), /endpoint: 127\.0\.0\.1:5/);
    tunnel.kill('SIGTERM');
    assert.equal(await tunnel.ended, 0);
    assert.equal(tunnel.said.stderr, '');
  });

  test('the tunnel needs each of its flags', async (t) => {
    for (const [missing, others] of withoutOne(tunnelFlags({ name: 'wg0' })))
      await expectRefused(start(t, others, 'peerage-tun', '-f', 'wg0'), missing);
  });
});
