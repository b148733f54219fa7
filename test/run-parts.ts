/** The parts of a run: a runtime with the files that it runs in one go. Each says of its tests which suite they are of. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import process from 'node:process';
import { builtBinary } from './build/binary.ts';
import { parseJunit, type TestResult } from './run-junit.ts';
import type { SuiteResult } from './run-results.ts';
import type { TestRuntime } from './run-runtimes.ts';
import { filesOf, ROOT, suiteOf } from './run-suites.ts';

export interface Part {
  readonly runtime: TestRuntime;
  /** As the runtime is found here. */
  readonly program: string;
  /** The name of a suite; without one it is everything, whose output is seen as it comes. */
  readonly suite: string | undefined;
  readonly files: readonly string[];
}

export interface PartResult {
  readonly results: readonly SuiteResult[];
  /** What the runner printed, when it was not seen. */
  readonly log: string | undefined;
}

const FOLDER = resolve(ROOT, '.cache/test');
/** Between the request to end, at which Node says what was running, and the end. */
const GRACE_MS = 30_000;

/** All but what is for another runtime, in one go; or suite by suite, since neither Deno nor an older Node says which file a test is of. */
export function partsOf(runtime: TestRuntime, program: string): Part[] {
  if (runtime.suites !== undefined)
    return runtime.suites.map((suite) => ({ runtime, program, suite: suite.name, files: filesOf(suite) }));
  builtBinary(); // here, so that not each of several files finds that it has to be built
  const files = globSync('test/**/*.test.ts', { cwd: ROOT, exclude: ['test/runtime/bun/**', 'test/runtime/deno/**'] });
  return [{ runtime, program, suite: undefined, files: files.sort() }];
}

/** Runs it until it ends, or `deadline` passes (milliseconds of performance.now()). An end that no test explains is a failure of its own. */
export async function runPart({ runtime, program, suite, files }: Part, deadline: number): Promise<PartResult> {
  mkdirSync(FOLDER, { recursive: true });
  const what = suite ?? 'everything';
  const base = resolve(FOLDER, `${runtime.name}-${what}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'));
  const [junit, log] = [`${base}.xml`, suite === undefined ? undefined : `${base}.log`];
  rmSync(junit, { force: true });
  const end = await start(program, runtime.args(files, junit), { more: runtime.env, log, deadline });
  const results: TestResult[] = existsSync(junit) ? parseJunit(readFileSync(junit, 'utf8')) : [];
  const hasFailed = results.some(({ outcome }) => outcome === 'failed');
  if (end !== 0 && (!hasFailed || end === 'the deadline'))
    results.push(unexplained(`${what}: the test runner ended with ${end} after ${results.length} tests`));
  else if (results.length === 0) results.push(unexplained(`${what}: the test runner has run no test`));
  return {
    results: results.map((result) => ({
      ...result,
      suite: suite ?? suiteOf(relative(ROOT, result.file ?? '')) ?? 'others',
    })),
    log: log === undefined ? undefined : readFileSync(log, 'utf8'),
  };
}

function unexplained(reason: string): TestResult {
  return { path: [reason], file: undefined, outcome: 'failed' };
}

interface StartOptions {
  /** Besides our own environment. */
  readonly more: Readonly<Record<string, string>> | undefined;
  /** A file for its output, which otherwise goes where ours does. */
  readonly log: string | undefined;
  readonly deadline: number;
}

/** Runs a program to its end, or makes it end; resolves to its exit code, the signal that ended it, the deadline that did, or why it did not start. */
async function start(program: string, args: string[], { more, log, deadline }: StartOptions): Promise<number | string> {
  const output = log === undefined ? 'inherit' : openSync(log, 'w');
  const env = { ...process.env, ...more, ...(log !== undefined && { NO_COLOR: '1' }) };
  const timers: NodeJS.Timeout[] = [];
  try {
    const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', output, output], env });
    let isLate = false;
    const endIt = (): void => {
      isLate = true;
      child.kill('SIGTERM');
      timers.push(setTimeout(() => child.kill('SIGKILL'), GRACE_MS));
    };
    timers.push(setTimeout(endIt, Math.max(0, deadline - performance.now())));
    const [code, signal] = await once(child, 'close');
    return isLate ? 'the deadline' : (code ?? signal);
  } catch (error) {
    // It could not be started. What other parts have found is not lost by that.
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const timer of timers) clearTimeout(timer);
    if (output !== 'inherit') closeSync(output);
  }
}
