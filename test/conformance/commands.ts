/** How the runtime at hand starts a program of ours, and a file of tests. */
import process from 'node:process';
import { runtime } from '../runtime/this-runtime.ts';

const PROGRAM_ARGUMENTS = { node: [], bun: [], deno: ['run', '--allow-all'] } as const;
// bun ends a test after 5 seconds unless it is told otherwise.
const TEST_ARGUMENTS = {
  node: [],
  bun: ['test', '--timeout=900000'],
  deno: ['test', '--allow-all', '--no-check'],
} as const;
const GC_ARGUMENTS = { node: ['--expose-gc'], bun: ['--expose-gc'], deno: ['--v8-flags=--expose-gc'] } as const;

type Command = [program: string, ...args: string[]];

export function programCommand(file: string): Command {
  return [process.execPath, ...PROGRAM_ARGUMENTS[runtime.name], file];
}

/** With a global function `gc`. */
export function programWithGcCommand(file: string): Command {
  const [program, ...args] = programCommand(file);
  return [program, ...args.slice(0, -1), ...GC_ARGUMENTS[runtime.name], file];
}

export function testCommand(file: string): Command {
  return [process.execPath, ...TEST_ARGUMENTS[runtime.name], file];
}
