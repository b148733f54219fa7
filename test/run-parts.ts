/** Runs test files on a runtime, and says of each test which suite it is of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import process from 'node:process';
import { builtBinary } from './build/binary.ts';
import { parseJunit, type TestResult } from './run-junit.ts';
import { countOutcomes, formatCounts, type SuiteResult } from './run-results.ts';
import type { TestRuntime } from './run-runtimes.ts';
import { filesOf, ROOT, suiteOf } from './run-suites.ts';

const FOLDER = resolve(ROOT, '.cache/test');

/** All but what is for another runtime, in one go, whose output is seen as it comes. */
export async function runEverything(runtime: TestRuntime, program: string): Promise<SuiteResult[]> {
  builtBinary(); // here, so that not each of several files finds that it has to be built
  const files = globSync('test/**/*.test.ts', { cwd: ROOT, exclude: ['test/runtime/bun/**', 'test/runtime/deno/**'] });
  const results = await run(runtime, program, 'everything', files.sort());
  return results.map((result) => ({ ...result, suite: suiteOf(relative(ROOT, result.file ?? '')) ?? 'others' }));
}

/** Suite by suite, since neither Deno nor an older Node says which file a test is of. Output is shown when a test fails. */
export async function runPortable(runtime: TestRuntime, program: string): Promise<SuiteResult[]> {
  const all: SuiteResult[] = [];
  for (const suite of runtime.suites ?? []) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other: each takes all cores
    const results = await run(runtime, program, suite.name, filesOf(suite));
    console.log(`  ${suite.name}: ${formatCounts(countOutcomes(results))}`);
    all.push(...results.map((result) => ({ ...result, suite: suite.name })));
  }
  return all;
}

/** An end that no test explains is a failure of its own. */
async function run(
  runtime: TestRuntime,
  program: string,
  what: string,
  files: readonly string[],
): Promise<TestResult[]> {
  mkdirSync(FOLDER, { recursive: true });
  const base = resolve(FOLDER, `${runtime.name}-${what}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'));
  const [junit, log] = [`${base}.xml`, `${base}.log`];
  rmSync(junit, { force: true });
  const isSeen = what === 'everything';
  const code = await start(
    program,
    runtime.args(files, junit),
    { ...process.env, ...runtime.env },
    isSeen ? undefined : log,
  );
  const results = existsSync(junit) ? parseJunit(readFileSync(junit, 'utf8')) : [];
  const hasFailed = results.some(({ outcome }) => outcome === 'failed');
  if (!hasFailed && (code !== 0 || results.length === 0)) {
    const path = [`${what}: the test runner ended with ${code} after ${results.length} tests`];
    results.push({ path, file: undefined, outcome: 'failed' });
  }
  if (!isSeen && results.some(({ outcome }) => outcome === 'failed')) console.log(readFileSync(log, 'utf8'));
  return results;
}

/** Runs a program to its end, with its output in a file or here; resolves to its exit code, or the signal that ended it. */
async function start(
  program: string,
  args: string[],
  ours: NodeJS.ProcessEnv,
  log: string | undefined,
): Promise<number | string> {
  const output = log === undefined ? 'inherit' : openSync(log, 'w');
  const env = log === undefined ? ours : { ...ours, NO_COLOR: '1' };
  try {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', output, output], env });
    const [code, signal] = await once(child, 'close');
    return code ?? signal;
  } finally {
    if (output !== 'inherit') closeSync(output);
  }
}
