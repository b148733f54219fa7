/**
 * `npm test`: every suite on Node 24, and those that run anywhere on Bun, Deno and two more Nodes, one after the other; that
 * of the registry also against workerd.
 * `npm test -- Bun Deno` runs these two only. With CI=true, a runtime that is missing is a failure.
 */
import process from 'node:process';
import type { TestResult } from './run-junit.ts';
import { runEverything, runPortable } from './run-parts.ts';
import { countOutcomes, formatCounts, keepResults } from './run-results.ts';
import { NODE_24, OTHER_RUNTIMES, type TestRuntime } from './run-runtimes.ts';

const RUNTIMES = [NODE_24, ...OTHER_RUNTIMES];

process.exitCode = await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown.length > 0) {
    console.error(`There is no ${unknown.join(', ')}. There are: ${RUNTIMES.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const ran: { name: string; results: TestResult[] }[] = [];
  for (const runtime of RUNTIMES) {
    if (wanted.length > 0 && !wanted.includes(runtime.name)) continue;
    console.log(`\n${runtime.name}`);
    // oxlint-disable-next-line no-await-in-loop -- one after the other: each takes all cores
    ran.push({ name: runtime.name, results: await runOn(runtime) });
  }
  console.log();
  for (const { name, results } of ran) {
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    console.log(`${failed.length === 0 ? 'ok    ' : 'FAILED'} ${name}: ${formatCounts(countOutcomes(results))}`);
    for (const { path } of failed) console.log(`         ${path.join(' > ')}`);
  }
  // The last line, by which CI knows that tests have run.
  const counts = countOutcomes(ran.flatMap(({ results }) => results));
  console.log(formatCounts(counts));
  return counts.failed === 0 ? 0 : 1;
}

async function runOn(runtime: TestRuntime): Promise<TestResult[]> {
  let program: string;
  try {
    program = runtime.locate();
  } catch (error) {
    const reason = `${runtime.name} is missing: ${error instanceof Error ? error.message : String(error)}`;
    console.log(reason);
    const outcome = process.env['CI'] === 'true' ? 'failed' : 'skipped';
    return [{ path: [reason], file: undefined, outcome }];
  }
  const results = await (runtime.suites === undefined
    ? runEverything(runtime, program)
    : runPortable(runtime, program));
  keepResults(runtime.name, results);
  return results;
}
