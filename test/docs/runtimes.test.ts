/** The matrix of runtimes is whole, and every test file is in one of its suites. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { parseJunit } from '../run-junit.ts';
import { formatMatrix } from '../run-matrix.ts';
import { implementationsOf } from '../run-results.ts';
import { NODE_24, OTHER_RUNTIMES } from '../run-runtimes.ts';
import { filesOf, PORTABLE, suiteOf, SUITE_NAMES } from '../run-suites.ts';
import { readGuide, ROOT } from './markdown.ts';

/** Cells of a table in Markdown, row by row. */
function cellsOf(table: string): string[][] {
  return table.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
}

describe('the matrix', () => {
  it('in the guide has every suite and every runtime, and numbers where the suites run', () => {
    const guide = cellsOf(readGuide('runtimes').text);
    const [header = [], , ...rows] = cellsOf(formatMatrix({}));
    for (const { name } of [NODE_24, ...OTHER_RUNTIMES]) assert.ok(header.includes(name), name);
    const start = guide.findIndex((cells) => cells.join() === header.join());
    assert.notEqual(start, -1, 'the columns are others: npm run matrix');
    const written = guide.slice(start + 2, start + 2 + rows.length);
    assert.deepEqual(
      written.map(([, name]) => name),
      rows.map(([, name]) => name),
      'the suites are others: npm run matrix',
    );
    const portable = new Set(PORTABLE.map(({ name }) => name));
    for (const [, name = '', ...cells] of written)
      if (portable.has(name)) for (const cell of cells.slice(0, 5)) assert.match(cell, /^[1-9]\d*$/, name);
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
