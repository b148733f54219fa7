import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { namespacesBelow, processesIn } from './lab/leftovers.ts';
import { labOptions } from './lab/requirements.ts';
import { waitFor } from './lab/wait.ts';

const DEMO = fileURLToPath(new URL('../../examples/six-hosts/demo.ts', import.meta.url));
const PROGRAMS = ['nft', 'ping', 'curl', 'wg', 'wg-quick', 'bash', 'redis-server', 'redis-cli'];

interface Reach {
  ipv4: boolean;
  ipv6: boolean;
}

describe('the six-hosts demo', { ...labOptions(...PROGRAMS), concurrency: 3 }, () => {
  it('keeps its promises, and leaves nothing behind', async () => {
    const before = await machineState();
    const { demo, temporary } = await startDemo('--json');
    const ended = Promise.all([text(demo.stdout), once(demo, 'exit')]);
    await untilEnrolled(demo.stderr, 'charlotte');
    const namespaces = namespacesBelow(demo.pid!);
    const [stdout] = await ended;
    assert.equal(demo.exitCode, 0, stdout);
    const outcome = JSON.parse(stdout) as {
      ok: boolean;
      members: { name: string; enrolledBy: string; latestHandshake: number }[];
      pairs: (Reach & { from: string; to: string })[];
      pairsAlone: Reach[];
      sites: Reach[];
      redis: { answersTeddy: boolean; answersStranger: boolean };
    };
    assert.equal(outcome.ok, true);
    assert.equal(new Set(outcome.pairs.map(({ from, to }) => `${from} ${to}`)).size, 30);
    assert.ok(outcome.pairs.every(({ ipv4, ipv6 }) => ipv4 && ipv6));
    assert.equal(outcome.pairsAlone.length, 30);
    assert.ok(outcome.pairsAlone.every(({ ipv4, ipv6 }) => ipv4 && ipv6));
    assert.equal(outcome.sites.length, 12);
    assert.ok(outcome.sites.every(({ ipv4, ipv6 }) => ipv4 && ipv6));
    assert.ok(outcome.members.every(({ latestHandshake }) => latestHandshake > 0));
    assert.equal(new Set(outcome.members.map(({ enrolledBy }) => enrolledBy)).size, 4, 'four ways to enrol');
    assert.equal(outcome.redis.answersTeddy, true);
    assert.equal(outcome.redis.answersStranger, false);
    assert.deepEqual(processesIn(namespaces), []);
    assert.deepEqual(await machineState(), before);
    await rmdir(temporary); // refuses when there is something in it
  });

  for (const signal of ['SIGINT', 'SIGKILL'] as const)
    it(`leaves nothing behind when ${signal} ends it midway`, async () => {
      const before = await machineState();
      const { demo, temporary } = await startDemo();
      await untilEnrolled(demo.stderr, 'charlotte');
      const namespaces = namespacesBelow(demo.pid!);
      demo.kill(signal);
      const [exitCode] = (await once(demo, 'exit')) as [number | null];
      assert.equal(exitCode, signal === 'SIGINT' ? 130 : null);
      assert.ok(namespaces.size >= 14, `it had ${namespaces.size} namespaces`);
      await waitFor('its namespaces are gone', () => processesIn(namespaces).length === 0);
      assert.deepEqual(await machineState(), before);
      await rmdir(temporary);
    });
});

async function startDemo(...args: string[]) {
  const temporary = await mkdtemp(join(tmpdir(), 'peerage-demo-test-'));
  const env = { ...process.env, TMPDIR: temporary };
  const demo = spawn(process.execPath, [DEMO, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  return { demo, temporary };
}

/** Reads the progress until the demo has started to enrol a host. */
async function untilEnrolled(progress: NodeJS.ReadableStream, name: string): Promise<void> {
  let seen = '';
  progress.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  await waitFor(`${name} enrols`, () => seen.includes(`${name}:`), { timeoutMs: 300_000, explain: () => seen });
}

/** Where a demo without namespaces of its own would leave traces. */
async function machineState(): Promise<Record<string, string[] | undefined>> {
  const folders = [
    '/sys/class/net',
    '/run/netns',
    '/run/wireguard',
    '/run/peerage',
    '/etc/wireguard',
    '/var/lib/peerage',
  ];
  const listings = folders.map(async (folder) => [folder, await readdir(folder).catch(() => undefined)] as const);
  return Object.fromEntries(await Promise.all(listings));
}
