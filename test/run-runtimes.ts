/** The runtimes that run the suites: where each is found, and how it is told to run test files. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { adapters, FUZZ, PORTABLE, ROOT, SMOKE, type Suite } from './run-suites.ts';

export interface TestRuntime {
  /** As the matrix calls it. */
  readonly name: 'Node 22' | 'Node 24' | 'Node 26' | 'Bun' | 'Deno' | 'workerd';
  /** What runs on it; everything, unless said. */
  readonly suites?: readonly Suite[];
  /** Besides our own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes it available if it can; throws with the reason where it cannot. */
  readonly locate: () => string;
  /** Arguments to run test files, which write what came of them to a JUnit file. */
  readonly args: (files: readonly string[], junit: string) => string[];
}

/** None, but for a test that hangs. */
const TIMEOUT_MS = 900_000;

/** As our programs run, but with every permission: tests do more than they. */
const DENO_FLAGS = ['--no-check', '--no-prompt', '--allow-all', '--unstable-no-legacy-abort'];

/** What `npm test` itself runs on: it brings its own Node. */
export const NODE_24: TestRuntime = {
  name: 'Node 24',
  locate: () => process.execPath,
  args: nodeArguments(2),
};

/** Bun, Deno, the oldest Node that we run on and the newest, and the registry at the edge. */
export const OTHER_RUNTIMES: readonly TestRuntime[] = [
  {
    name: 'Bun',
    suites: [...PORTABLE, adapters('bun')],
    locate: () => fromDependency('bun'),
    args(files, junit) {
      const paths = files.map((file) => `./${file}`); // without the dot it would be a pattern
      return ['test', `--timeout=${TIMEOUT_MS}`, '--reporter=junit', `--reporter-outfile=${junit}`, ...paths];
    },
  },
  {
    name: 'Deno',
    suites: [...PORTABLE, adapters('deno')],
    locate: () => fromDependency('deno'),
    args: (files, junit) => ['test', ...DENO_FLAGS, `--junit-path=${junit}`, ...files],
  },
  // Its adapters have real tunnels, too; the scenarios of interop are written with what Node 22 cannot parse (`await using`).
  otherNode('Node 22', '22.23.3', { isolation: '--experimental-test-isolation=none', more: [] }),
  otherNode('Node 26', '26.10.0', { isolation: '--test-isolation=none', more: [SMOKE] }),
  {
    // The same HTTP suite, sent from Node to workerd with D1: test/registry/engines.
    name: 'workerd',
    suites: [...PORTABLE.filter(({ name }) => name === 'registry'), FUZZ],
    env: { PEERAGE_ENGINE: 'workerd' },
    locate: () => process.execPath,
    args: nodeArguments(2),
  },
];

/** `isolation`: all files in one process, which saves a start for each of them. */
function otherNode(
  name: TestRuntime['name'],
  version: string,
  { isolation, more }: { isolation: string; more: readonly Suite[] },
): TestRuntime {
  return {
    name,
    suites: [...PORTABLE, adapters('node'), ...more],
    locate: () => installNode(version),
    args: (files, junit) => [...nodeArgs(junit), isolation, ...files],
  };
}

/** So many files at a time, on however few cores: tunnels mostly wait, for a timer of the protocol or for a program. */
function nodeArguments(concurrency: number): TestRuntime['args'] {
  return (files, junit) => [...nodeArgs(junit), `--test-concurrency=${concurrency}`, ...files];
}

function nodeArgs(junit: string): string[] {
  const reporters = { spec: 'stdout', [import.meta.resolve('./run-reporter.ts')]: junit };
  return [
    '--test',
    `--test-timeout=${TIMEOUT_MS}`,
    ...Object.entries(reporters).flatMap(([reporter, destination]) => [
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${destination}`,
    ]),
  ];
}

function fromDependency(name: string): string {
  const program = resolve(ROOT, 'node_modules/.bin', name);
  const { status, stderr, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status === 0) return program;
  throw new Error(`${program} does not start: ${error?.message ?? stderr.trim()}`);
}

/** A Node of this version in .cache, from the npm registry when it is not there yet. */
function installNode(version: string): string {
  const prefix = resolve(ROOT, `.cache/node-${version}`);
  // What the package `node` would install by a script, which npm may refuse to run.
  const name = `node-${process.platform}-${process.arch}`;
  const program = resolve(prefix, 'node_modules', name, 'bin/node');
  if (existsSync(program)) return program;
  const args = ['install', '--prefix', prefix, '--no-audit', '--no-fund', '--loglevel=error', `${name}@${version}`];
  const { status, stderr, error } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  if (status === 0 && existsSync(program)) return program;
  throw new Error(`${name}@${version} cannot be installed: ${error?.message ?? stderr.trim()}`);
}
