/** The terminal of a program whose reader goes away in mid-work. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const TERMINAL = new URL('../../../runtime/linux/terminal.ts', import.meta.url).href;

/** Speaks, waits until it is told that nobody listens any more, speaks on, and finishes its work. */
const PROGRAM = `
  import { once } from 'node:events';
  import { writeFileSync } from 'node:fs';
  import { setImmediate } from 'node:timers/promises';
  import { createTerminal } from ${JSON.stringify(TERMINAL)};
  const terminal = createTerminal();
  terminal.stdout('one\\n');
  terminal.stderr('one\\n');
  await once(process.stdin, 'data');
  for (let i = 0; i < 100; i++) {
    terminal.stdout('more\\n');
    terminal.stderr('more\\n');
    await setImmediate();
  }
  writeFileSync(process.argv[1], 'done');
  process.stdin.destroy();
`;

describe('a program that says something', () => {
  for (const gone of [['stdout'], ['stderr'], ['stdout', 'stderr']] as const)
    it(`finishes its work when nobody reads ${gone.join(' and ')} any more`, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'peerage-terminal-'));
      t.after(() => rm(folder, { recursive: true }));
      const proof = join(folder, 'proof');
      const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, proof]);
      await Promise.all([once(child.stdout, 'data'), once(child.stderr, 'data')]);
      for (const name of gone) {
        child[name].destroy();
        await once(child[name], 'close');
      }
      for (const stream of [child.stdout, child.stderr]) stream.resume();
      child.stdin.write('go on\n');
      const [exitCode] = await once(child, 'exit');
      assert.equal(exitCode, 0);
      assert.equal(await readFile(proof, 'utf8'), 'done');
    });
});

/** A pipe that says it is a terminal is one to the line editor. */
const QUESTION = `
  import { createTerminal } from ${JSON.stringify(TERMINAL)};
  for (const stream of [process.stdin, process.stderr]) Object.defineProperty(stream, 'isTTY', { value: true });
  console.log(JSON.stringify(await createTerminal().ask('Remove it? ')));
`;

const BIN = fileURLToPath(new URL('../../../node_modules/.bin/', import.meta.url));
/** What takes a program after it. */
const RUNTIMES = {
  Node: [process.execPath, '--input-type=module', '-e'],
  Bun: [`${BIN}bun`, '-e'],
  Deno: [`${BIN}deno`, 'eval', '--no-check'],
} as const;

const RESULT = `
  import process from 'node:process';
  import { createTerminal } from ${JSON.stringify(TERMINAL)};
  createTerminal().stdout('a result\\n');
  process.exitCode = 0; // as main does when the command is through
`;

describe('a result that cannot be written', () => {
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES))
    it(`is a failure that says why, on ${name}`, async () => {
      const full = openSync('/dev/full', 'w');
      const child = spawn(program, [...args, RESULT], { stdio: ['ignore', full, 'pipe'] });
      closeSync(full);
      let stderr = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text)); // it is a pipe
      const [exitCode] = await once(child, 'close');
      assert.deepEqual([exitCode, stderr], [1, 'peerage: cannot write what was asked for: no space left\n']);
    });
});

describe('a question', () => {
  for (const [name, [program, ...args]] of Object.entries(RUNTIMES))
    it(`that is left ends its line, and is answered by nothing, on ${name}`, async () => {
      for (const key of ['\u0003', '\u0004']) {
        const child = spawn(program, [...args, QUESTION]);
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
        child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
        await once(child.stderr, 'data');
        child.stdin.end(key);
        const [exitCode] = await once(child, 'close');
        assert.deepEqual([exitCode, stdout], [0, '""\n'], stderr);
        assert.match(stderr, /\n$/);
      }
    });

  for (const [what, keys, answer] of [
    ['with a line', 'yes\r', 'yes'],
    ['with Ctrl+C', '\u0003', ''],
    ['with Ctrl+D', '\u0004', ''],
  ] as const)
    it(`may be answered ${what}`, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', QUESTION]);
      let [stdout, stderr] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
      await once(child.stderr, 'data');
      child.stdin.end(keys);
      const [exitCode] = await once(child, 'close');
      assert.deepEqual([exitCode, stdout], [0, `${JSON.stringify(answer)}\n`], stderr);
    });
});
