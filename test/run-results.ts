/** What came of the tests, kept from run to run: of it the matrix in docs/guide/runtimes.md is made. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { TestResult } from './run-junit.ts';
import { ROOT } from './run-suites.ts';

export interface SuiteResult extends TestResult {
  readonly suite: string;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Tests that passed, by runtime and suite; and by what the tunnels of interop were made of. */
export type Passed = Record<string, Record<string, number>>;

const FILE = resolve(ROOT, '.cache/test/passed.json');

export function countOutcomes(results: readonly TestResult[]): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of results) counts[outcome]++;
  return counts;
}

export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** Keeps what passed on a runtime, in place of what it was the last time. */
export function keepResults(runtime: string, results: readonly SuiteResult[]): void {
  const passed: Record<string, number> = {};
  for (const { outcome, suite, path } of results) {
    if (outcome !== 'passed') continue;
    for (const row of [suite, ...implementationsOf(path)]) passed[row] = (passed[row] ?? 0) + 1;
  }
  const all: Passed = { ...readPassed(), [runtime]: passed };
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, JSON.stringify(all, undefined, 2));
}

/** Of the runs so far. */
export function readPassed(): Passed {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Passed) : {}; // written above
}

/** Both ends of a tunnel, or the one that a suite is about: interop names its suites by them. */
export function implementationsOf(path: readonly string[]): Set<string> {
  const pairing = path.map((name) => /^(?:on (\S+)|(\S+) -> (\S+))$/.exec(name)).find((match) => match !== null);
  const names = pairing?.slice(1).filter((name) => name !== undefined);
  return new Set(names?.map((implementation) => `with ${implementation}`));
}
