/** The suites: which files they are, and on which runtimes they run. */
import { globSync } from 'node:fs';
import { dirname, matchesGlob, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..');

export interface Suite {
  readonly name: string;
  readonly pattern: string;
}

/** What touches no system, or does so through the ports that each runtime has: these run on all of them. */
export const PORTABLE: readonly Suite[] = [
  { name: 'keys, addresses', pattern: 'test/*.test.ts' },
  ...['crypto', 'noise', 'transport', 'peer', 'device', 'offload', 'tunnel', 'simulation', 'uapi', 'config'].map(suite),
  ...['network', 'registry', 'agent'].map(suite),
];

/** Real tunnels, on a Node that is not the one of all other suites. */
export const SMOKE: Suite = { name: 'interop', pattern: 'test/interop/hostile.test.ts' };

/** What a fuzzer that others keep finds in the registry's answers. */
export const FUZZ: Suite = suite('fuzz');

/** Each adapter against the suite of its port, and what only this runtime has. */
export function adapters(runtime: 'node' | 'bun' | 'deno'): Suite {
  return { name: 'adapters', pattern: `test/runtime/${runtime}/**/*.test.ts` };
}

const ADAPTERS = [adapters('node'), adapters('bun'), adapters('deno')];

/** All other folders. What they start of our programs are those of Node, but `interop` starts those of every runtime. */
const NODE_ONLY = [...new Set(globSync('test/{*,runtime/*}/**/*.test.ts', { cwd: ROOT }).map(folderOf))]
  .filter(
    (name) => name !== 'runtime' && ![...PORTABLE, ...ADAPTERS].some((each) => each.pattern === suite(name).pattern),
  )
  .sort()
  .map(suite);

/** In the order of the matrix. */
export const SUITE_NAMES: readonly string[] = [...PORTABLE, ADAPTERS[0]!, ...NODE_ONLY].map(({ name }) => name);

/** Below the checkout, sorted. */
export function filesOf({ pattern }: Suite): string[] {
  return globSync(pattern, { cwd: ROOT }).sort();
}

/** The suite that a file belongs to. */
export function suiteOf(file: string): string | undefined {
  return [...PORTABLE, ...ADAPTERS, ...NODE_ONLY].find(({ pattern }) => matchesGlob(file, pattern))?.name;
}

function suite(name: string): Suite {
  return { name, pattern: `test/${name}/**/*.test.ts` };
}

/** `cli` of test/cli/wg/set.test.ts, `runtime/linux` of what is in there. */
function folderOf(file: string): string {
  const [, first = '', second = ''] = dirname(file).split('/');
  return first === 'runtime' ? `${first}/${second}` : first;
}
