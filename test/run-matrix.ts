/** `npm run matrix`: writes what passed in the last runs of `npm test` into docs/guide/runtimes.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Passed, readPassed } from './run-results.ts';
import { ROOT, SUITE_NAMES } from './run-suites.ts';

const GUIDE = resolve(ROOT, 'docs/guide/runtimes.md');
const [BEGIN, END] = ['<!-- matrix: npm run matrix -->', '<!-- /matrix -->'];

/** By the name that interop has for it, where the suites do not run on it but a tunnel made of it is an end in them. */
const COLUMNS: Readonly<Record<string, string | undefined>> = {
  'Node 22': undefined,
  'Node 24': undefined,
  'Node 26': undefined,
  Bun: 'bun',
  Deno: 'deno',
  binary: 'binary',
  workerd: undefined,
};

if (import.meta.main) {
  const guide = readFileSync(GUIDE, 'utf8');
  const [before = '', rest = ''] = guide.split(BEGIN);
  writeFileSync(GUIDE, `${before}${BEGIN}\n${formatMatrix(readPassed())}\n${END}${rest.split(END)[1] ?? ''}`);
}

/** A table in Markdown. */
export function formatMatrix(passed: Passed): string {
  const columns = Object.keys(COLUMNS);
  const rows = SUITE_NAMES.map((suite) => [suite, ...columns.map((column) => cell(passed, suite, column))]);
  const lines = [['suite', ...columns], ['---', ...columns.map(() => '--:')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A dash where the suite does not run. */
function cell(passed: Passed, suite: string, column: string): string {
  const ends = suite === 'interop' ? passed['Node 24']?.[`with ${COLUMNS[column]}`] : undefined;
  return `${passed[column]?.[suite] ?? ends ?? '–'}`;
}
