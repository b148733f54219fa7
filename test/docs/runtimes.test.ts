/** The matrix of runtimes is whole, and every test file is in one of its suites. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { OURS } from '../interop/implementation.ts';
import { parseJunit } from '../run-junit.ts';
import { formatMatrix } from '../run-matrix.ts';
import { runPart, type Part } from '../run-parts.ts';
import { implementationsOf, type Passed } from '../run-results.ts';
import { NODE_24, OTHER_RUNTIMES } from '../run-runtimes.ts';
import { filesOf, PORTABLE, suiteOf, SUITE_NAMES } from '../run-suites.ts';
import { readGuide, ROOT } from './markdown.ts';

/** Cells of a table in Markdown, row by row. */
function cellsOf(table: string): string[][] {
  return table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
}

/** One test of each suite on each runtime that it runs on, and of interop with each of ours. */
function onePassedEach(): Passed {
  const each = (rows: readonly string[]) => Object.fromEntries(rows.map((row) => [row, 1]));
  const passed: Passed = { [NODE_24.name]: each([...SUITE_NAMES, ...OURS.map(({ name }) => `with ${name}`)]) };
  for (const { name, suites = [] } of OTHER_RUNTIMES) passed[name] = each(suites.map((suite) => suite.name));
  return passed;
}

describe('the matrix', () => {
  it('in the guide has every suite and every runtime, and numbers where the suites run and nowhere else', () => {
    const guide = cellsOf(readGuide('runtimes').text);
    const [header = [], , ...rows] = cellsOf(formatMatrix(onePassedEach()));
    for (const { name } of [NODE_24, ...OTHER_RUNTIMES]) assert.ok(header.includes(name), name);
    const start = guide.findIndex((cells) => cells.join() === header.join());
    assert.notEqual(start, -1, 'the columns are others: npm run matrix');
    const written = guide.slice(start + 2, start + 2 + rows.length);
    assert.deepEqual(
      written.map((cells) => cells.map((cell) => cell.replace(/^[1-9]\d*$/, '1'))),
      rows,
      'the suites are others, or run elsewhere: npm run matrix',
    );
  });

  it('has a suite for each test file, and files for each suite', () => {
    for (const file of globSync('test/**/*.test.ts', { cwd: ROOT })) assert.ok(suiteOf(file) !== undefined, file);
    for (const suite of PORTABLE) assert.ok(filesOf(suite).length > 0, suite.name);
    assert.equal(new Set(SUITE_NAMES).size, SUITE_NAMES.length);
  });

  it('counts a test in the suite of the file that was run, wherever its code is', () => {
    for (const [file, suite] of [
      ['test/ip.test.ts', 'keys, addresses'],
      ['test/crypto/noble.test.ts', 'crypto'],
      ['test/interop/kernel/birth.test.ts', 'interop'],
      ['test/runtime/node/ffi.test.ts', 'adapters'],
      ['test/runtime/deno/ffi.test.ts', 'adapters'],
      ['test/runtime/linux/adopt-tun.test.ts', 'runtime/linux'],
      ['test/conformance/crypto.ts', undefined],
    ] as const)
      assert.equal(suiteOf(file), suite, file);

    const folder = mkdtempSync(join(tmpdir(), 'peerage-matrix-test-'));
    try {
      const junit = join(folder, 'junit.xml');
      // All of the first are of test/conformance.
      const args = NODE_24.args(['test/tunnel/memory-udp.test.ts', 'test/ip.test.ts'], junit);
      // Without what tells a test runner that it is run by one.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const { status, stdout } = spawnSync(NODE_24.locate(), args, { cwd: ROOT, env, encoding: 'utf8' });
      assert.equal(status, 0, stdout);
      const results = parseJunit(readFileSync(junit, 'utf8'));
      const suites = new Set(results.map(({ file }) => file && suiteOf(relative(ROOT, file))));
      assert.deepEqual(suites, new Set(['tunnel', 'keys, addresses']));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('fails in CI where a runtime is missing, and elsewhere says so and goes on', () => {
    const folder = mkdtempSync(join(tmpdir(), 'peerage-missing-test-'));
    try {
      // What runs the tests, without what `npm ci` installs: Bun and Deno are missing.
      for (const file of ['package.json', 'test/build/binary.ts', ...globSync('test/run*.ts', { cwd: ROOT })])
        cpSync(join(ROOT, file), join(folder, file));
      const { CI: _, ...env } = process.env;
      for (const [CI, exitCode, outcome] of [
        ['true', 1, 'FAILED Deno: 0 passed, 1 failed'],
        ['', 0, 'ok     Deno: 0 passed, 0 failed, 1 skipped'],
      ] as const) {
        const options = { cwd: folder, env: { ...env, CI }, encoding: 'utf8' } as const;
        const { status, stdout } = spawnSync(NODE_24.locate(), ['test/run.ts', 'Bun', 'Deno'], options);
        assert.equal(status, exitCode, stdout);
        for (const name of ['Bun', 'Deno'])
          assert.match(stdout, new RegExp(`^${name} is missing: .* does not start`, 'm'));
        assert.ok(stdout.includes(outcome), stdout);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('counts a test runner that hangs or cannot be started as a failure, and keeps what it printed', async () => {
    const part = { runtime: NODE_24, program: NODE_24.locate(), suite: 'a runner that fails', files: [] };
    const pathsOf = async (failing: Partial<Part>, deadline: number) => {
      const { results, log } = await runPart({ ...part, ...failing }, deadline);
      assert.ok(results.every(({ outcome }) => outcome === 'failed') && log !== undefined);
      return results.map(({ path }) => path.join());
    };
    const hangs = { ...NODE_24, args: () => ['--eval', 'setInterval(() => {}, 1000)'] };
    assert.deepEqual(await pathsOf({ runtime: hangs }, performance.now()), [
      'a runner that fails: the test runner ended with the deadline after 0 tests',
    ]);
    const program = `${import.meta.dirname}/there-is-no-such-runner`;
    assert.deepEqual(await pathsOf({ program }, performance.now() + 900_000), [
      `a runner that fails: the test runner ended with spawn ${program} ENOENT after 0 tests`,
    ]);
  });

  it('counts what interop tries with an implementation, at either end or alone', () => {
    assert.deepEqual(implementationsOf(['data', 'bun -> deno', 'UDP']), new Set(['with bun', 'with deno']));
    assert.deepEqual(implementationsOf(['data', 'node -> node', 'UDP']), new Set(['with node']));
    assert.deepEqual(implementationsOf(['the daemon', 'on binary', 'ends']), new Set(['with binary']));
    assert.deepEqual(implementationsOf(['goes on its way']), new Set());
  });

  it('counts tests, whichever runner wrote them down', () => {
    const node = `<testsuites>
      <testsuite name="a &gt; b" tests="2"><testcase name="one" file="/x/test/ip.test.ts"/><testcase name="x -> y"/>
        <testsuite name="deep"><testcase name="two"><failure message="&lt;testcase&gt;">x</failure></testcase></testsuite>
      </testsuite><testcase name="three"><skipped type="skipped" message="no"/></testcase></testsuites>`;
    assert.deepEqual(parseJunit(node), [
      { path: ['a > b', 'one'], file: '/x/test/ip.test.ts', outcome: 'passed' },
      { path: ['a > b', 'x -> y'], file: undefined, outcome: 'passed' },
      { path: ['a > b', 'deep', 'two'], file: undefined, outcome: 'failed' },
      { path: ['three'], file: undefined, outcome: 'skipped' },
    ]);
    const deno = `<testsuites name="deno test">
      <testsuite name="./test/x.test.ts"><testcase name="outer"><failure message="1 step failed"></failure></testcase>
        <testcase name="alone"></testcase></testsuite>
      <testsuite name="ext:deno_node/testing.ts"><testcase name="outer &gt; one"></testcase>
        <testcase name="outer &gt; two"><failure message="no"></failure></testcase></testsuite></testsuites>`;
    assert.deepEqual(
      parseJunit(deno).map(({ path, outcome }) => `${path.at(-1)}: ${outcome}`),
      ['alone: passed', 'outer > one: passed', 'outer > two: failed'],
    );
  });
});
