import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, describe, it } from 'node:test';
import { createProcesses } from '../../../runtime/linux/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-processes-'));
after(() => rmSync(folder, { recursive: true }));

const processes = createProcesses({
  self: [process.execPath, '-e', 'console.log(process.argv.slice(1).join()); setInterval(() => {}, 1e6)', '--'],
});
const script = (text: string, ...args: string[]) => [process.execPath, ['-e', text, '--', ...args]] as const;

/** Waits until a condition holds; the test's own time limit ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe('processes', () => {
  it('run a program and tell its output and its exit code', async () => {
    const text = 'console.log("out"); console.error("err"); process.exitCode = 3';
    assert.deepEqual(await processes.run(...script(text)), { exitCode: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('hand over arguments, input and environment as they are', async () => {
    const text = 'process.stdin.on("data", (d) => console.log(process.argv[1], process.env.EXTRA, String(d)))';
    const { stdout } = await processes.run(...script(text, '$(id) `id` "'), { input: 'line', env: { EXTRA: '; id' } });
    assert.equal(stdout, '$(id) `id` " ; id line\n');
  });

  it('do not mind a program that ignores its input', async () => {
    const result = await processes.run(...script(''), { input: 'x'.repeat(1_000_000) });
    assert.equal(result.exitCode, 0);
  });

  it('answer 127 for a program that is not there', async () => {
    assert.equal((await processes.run('no-such-program', [])).exitCode, 127);
    assert.deepEqual([await processes.has('no-such-program'), await processes.has('sh')], [false, true]);
  });

  it('answer with a failure when the program was killed', async () => {
    const { exitCode } = await processes.run(...script('process.kill(process.pid, "SIGKILL")'));
    assert.notEqual(exitCode, 0);
  });

  it('start this program again, detached, with its output in a file for the owner only', async () => {
    const logFile = join(folder, 'log');
    const { pid } = await processes.spawnSelf(['agent', 'wg0'], { logFile });
    try {
      await until(() => readFileSync(logFile, 'utf8') === 'agent,wg0\n');
      assert.equal(statSync(logFile).mode & 0o777, 0o600);
      assert.ok(processes.isAlive(pid));
      const session = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
      assert.equal(session, String(pid));
    } finally {
      assert.ok(processes.kill(pid, 'SIGTERM'));
    }
    await until(() => !processes.isAlive(pid));
    assert.ok(!processes.kill(pid, 'SIGTERM'));
  });

  it('notice an interruption once, and then let signals end the process again', async () => {
    const before = process.listenerCount('SIGTERM');
    const interrupted = processes.interrupted();
    process.kill(process.pid, 'SIGTERM');
    await interrupted;
    assert.equal(process.listenerCount('SIGTERM'), before);
  });
});
