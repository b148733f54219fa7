/** Where the threads of the data plane cannot be had, one does everything, and the log says why. They keep nothing alive. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { waitFor } from '../../interop/lab/wait.ts';

const PROGRAM = fileURLToPath(new URL('programs/tunnel-without-workers.ts', import.meta.url));
const FAILING = fileURLToPath(new URL('programs/failing-worker.ts', import.meta.url));
const DYING = fileURLToPath(new URL('programs/dying-worker.ts', import.meta.url));
const WITHOUT_SOCKETS = fileURLToPath(new URL('programs/tunnel-without-sockets.ts', import.meta.url));
const NAME = 'alone0';
/** Of netlink: a tunnel opens them one after the other, some before the interface is there, and some after. */
const SOCKETS = 5;

inNamespace(import.meta.url, [], () => {
  for (const [what, module, why] of [
    ['fail', FAILING, /no memory for a thread/],
    ['are not there', '/no-such-worker.ts', /no-such-worker/],
  ] as const)
    test(`a tunnel whose workers ${what} says so, opens its interface, and ends as any other`, async () => {
      const child = spawn(process.execPath, [PROGRAM, NAME, module], { stdio: ['ignore', 'inherit', 'pipe'] });
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
      const exit = once(child, 'exit');
      const says = (pattern: RegExp) =>
        waitFor(String(pattern), () => pattern.test(log) || child.exitCode !== null, { explain: () => log });
      await says(/ready/);
      assert.match(log, why);
      assert.match(log, /one thread does everything/);
      execFileSync('ip', ['link', 'set', NAME, 'up']);
      await says(/listening/);
      assert.equal(child.exitCode, null, log);
      child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null], log);
      assert.throws(() => execFileSync('ip', ['link', 'show', NAME], { stdio: 'ignore' }));
    });

  test('a tunnel ends with an error when one of its workers does, whichever it is', async () => {
    const child = spawn(process.execPath, [PROGRAM, NAME, DYING, '2'], { stdio: ['ignore', 'inherit', 'pipe'] });
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const exit = once(child, 'exit');
    const isReady = () => log.includes('ready') || child.exitCode !== null;
    await waitFor('it is ready', isReady, { explain: () => log });
    execFileSync('ip', ['link', 'set', NAME, 'up']);
    assert.deepEqual(await exit, [1, null], log);
    assert.match(log, /a worker failed.*no more/);
    assert.throws(() => execFileSync('ip', ['link', 'show', NAME], { stdio: 'ignore' }));
  });

  test('a tunnel that gets too few sockets ends, whatever it has started by then', () => {
    for (let count = 0; count < SOCKETS; count++) {
      const options = { encoding: 'utf8', timeout: 20_000 } as const;
      const { status, stderr } = spawnSync(process.execPath, [WITHOUT_SOCKETS, NAME, String(count)], options);
      assert.match(stderr, /cannot open a netlink socket/, `with ${count}`);
      assert.equal(status, 1, `with ${count}`);
    }
  });
});
