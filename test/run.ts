/**
 * `npm test`: every suite on Node 24, and beside it those that run anywhere on Bun, Deno and two more Nodes; that of the registry
 * also against workerd.
 * `npm test -- Bun Deno` runs these two only. With CI=true, a runtime that is missing is a failure.
 */
import process from 'node:process';
import { partsOf, runPart, type Part } from './run-parts.ts';
import { countOutcomes, formatCounts, keepResults, type SuiteResult } from './run-results.ts';
import { NODE_24, OTHER_RUNTIMES, type TestRuntime } from './run-runtimes.ts';

const RUNTIMES = [NODE_24, ...OTHER_RUNTIMES];
/** At the same time. All files of a portable suite run one after the other on one core, and tunnels mostly wait. */
const LANES = 2;
/** For everything, so that a test that hangs is told of before CI itself ends after an hour. Elsewhere a machine may be busy. */
const LIMIT_MINUTES = process.env['CI'] === 'true' ? 53 : 240;

type Ran = Map<TestRuntime, SuiteResult[]>;

process.exitCode = await main(process.argv.slice(2));

async function main(wanted: readonly string[]): Promise<number> {
  const unknown = wanted.filter((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown.length > 0) {
    console.error(`There is no ${unknown.join(', ')}. There are: ${RUNTIMES.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const ran: Ran = new Map();
  const parts = RUNTIMES.filter(({ name }) => wanted.length === 0 || wanted.includes(name)).flatMap((runtime) => {
    ran.set(runtime, []);
    return locate(runtime, ran);
  });
  const logs = await runAll(parts, ran);
  for (const { title, log } of logs) console.log(`\n${title}, in full:\n${log}`);
  console.log();
  for (const [{ name }, results] of ran) {
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    console.log(`${failed.length === 0 ? 'ok    ' : 'FAILED'} ${name}: ${formatCounts(countOutcomes(results))}`);
    for (const { path } of failed) console.log(`         ${path.join(' > ')}`);
  }
  // The last line, by which CI knows that tests have run.
  const counts = countOutcomes([...ran.values()].flat());
  console.log(formatCounts(counts));
  return counts.failed === 0 ? 0 : 1;
}

/** What there is to run on it: nothing when it is missing, which is a result. */
function locate(runtime: TestRuntime, ran: Ran): Part[] {
  try {
    return partsOf(runtime, runtime.locate());
  } catch (error) {
    const reason = `${runtime.name} is missing: ${error instanceof Error ? error.message : String(error)}`;
    console.log(reason);
    const outcome = process.env['CI'] === 'true' ? 'failed' : 'skipped';
    ran.set(runtime, [{ path: [reason], file: undefined, outcome, suite: '' }]);
    return [];
  }
}

/** Each lane takes the next part that is left. Gives what parts with failures printed: here it would stand between the lines of others. */
async function runAll(parts: readonly Part[], ran: Ran): Promise<{ title: string; log: string }[]> {
  const deadline = performance.now() + LIMIT_MINUTES * 60_000;
  const failed: { title: string; log: string }[] = [];
  const waiting = [...parts];
  const unfinished = new Set(parts);
  const lane = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { runtime, suite } = part;
      const started = performance.now();
      // oxlint-disable-next-line no-await-in-loop -- one after the other, in each lane
      const { results, log } = await runPart(part, deadline);
      const seconds = Math.round((performance.now() - started) / 1000);
      const title = `${runtime.name}, ${suite ?? 'everything'}`;
      const counts = countOutcomes(results);
      console.log(`${title}: ${formatCounts(counts)}, in ${seconds} s`);
      if (counts.failed > 0 && log !== undefined) failed.push({ title, log });
      const all = ran.get(runtime)!; // main has put one there for each
      all.push(...results);
      unfinished.delete(part);
      if (![...unfinished].some((other) => other.runtime === runtime)) keepResults(runtime.name, all);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return failed;
}
