import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { completionNodes } from '../../src/cli/completion-tree.ts';
import { createProgram, runProgram } from '../../src/cli/program.ts';
import { VERSION } from '../../src/cli/version.ts';
import { programOptions } from '../interop/lab/requirements.ts';
import { MAIN, peerage, run } from './peerage.ts';
import { quietPorts } from './quiet-ports.ts';

const ESCAPE = String.fromCharCode(0x1b);

/** `registry serve`, of all but `help` itself. */
function commandPaths(program: Command): string[] {
  return completionNodes(program).flatMap(({ path }) => (path === '' || /^help\b/.test(path) ? [] : [path]));
}

describe('peerage', () => {
  it('prints the version of its package', async () => {
    const packageJson: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    assert.ok(typeof packageJson === 'object' && packageJson !== null && 'version' in packageJson);
    assert.equal(VERSION, packageJson.version);
    assert.deepEqual(await peerage(['--version']), { exitCode: 0, stdout: `${VERSION}\n`, stderr: '' });
  });

  it('shows all commands when asked, and as a mistake when called with nothing', async () => {
    const [asked, nothing] = await Promise.all([peerage(['--help']), peerage([])]);
    assert.equal(asked.exitCode, 0);
    for (const command of ['genkey', 'check', 'plan', 'completion'])
      assert.match(asked.stdout, new RegExp(`^  ${command} `, 'm'));
    assert.deepEqual([nothing.exitCode, nothing.stdout], [2, '']);
    assert.match(nothing.stderr, /Usage: peerage/);
  });

  it('opens the help of every command, at every level, with examples of it', async () => {
    const program = await createProgram(undefined, quietPorts([]));
    const paths = commandPaths(program);
    for (const path of ['genkey', 'network', 'network rules', 'token ls', 'registry serve', 'service install'])
      assert.ok(paths.includes(path), path);
    for (const path of paths) {
      const said: string[] = [];
      assert.equal(await runProgram(['help', ...path.split(' ')], quietPorts(said)), 0, path);
      const pattern = `^\\s*Examples:\\n[^]*peerage ${path}\\b[^]*\\nUsage: peerage ${path.split(' ')[0]}`;
      assert.match(said.join(''), new RegExp(pattern), path);
    }
  });

  it('shows the same help in both ways', async () => {
    const [a, b] = await Promise.all([peerage(['help', 'plan']), peerage(['plan', '--help'])]);
    assert.deepEqual(a, b);
  });

  it('says what was meant by a command that it does not know', async () => {
    const { exitCode, stdout, stderr } = await peerage(['genkye']);
    assert.deepEqual([exitCode, stdout], [2, '']);
    assert.match(stderr, /^peerage: unknown command 'genkye'\n\(Did you mean genkey\?\)\n  See: peerage help\n$/);
    assert.equal((await peerage(['help', 'genkye'])).exitCode, 2);
  });

  for (const args of [['genkey', 'extra'], ['check'], ['plan'], ['genkey', '--nonsense'], ['completion', 'cmd.exe']])
    it(`exits with 2 for the wrong usage "${args.join(' ')}"`, async () => {
      const { exitCode, stdout, stderr } = await peerage(args);
      assert.deepEqual([exitCode, stdout], [2, '']);
      assert.match(stderr, new RegExp(`^peerage: .*\\n  See: peerage help ${args[0]}\\n$`));
    });

  it('writes no colours into pipes', async () => {
    for (const args of [['--help'], ['help', 'nonsense'], ['check', MAIN]]) {
      const { stdout, stderr } = await peerage(args);
      assert.ok(!(stdout + stderr).includes(ESCAPE));
    }
  });

  it('writes colours to a terminal, but none for NO_COLOR or a dumb one', programOptions('script'), async () => {
    // script(1) gives it a terminal.
    const onTerminal = (env: Record<string, string>) =>
      run('script', ['-qec', `'${process.execPath}' '${MAIN}' --help`, '/dev/null'], {
        env: { TERM: 'xterm', NO_COLOR: '', ...env },
      });
    assert.ok((await onTerminal({})).stdout.includes(ESCAPE));
    assert.ok(!(await onTerminal({ NO_COLOR: '1' })).stdout.includes(ESCAPE));
    assert.ok(!(await onTerminal({ TERM: 'dumb' })).stdout.includes(ESCAPE));
  });

  it('is content when its reader goes away', async () => {
    const { exitCode, stderr } = await run('bash', [
      '-c',
      `set -o pipefail; '${process.execPath}' '${MAIN}' --help | true`,
    ]);
    assert.deepEqual([exitCode, stderr], [0, '']);
  });
});
