/** How the benches start a program of ours on each runtime, in a network namespace of its own. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { USER_NAMESPACE } from '../../test/interop/lab/requirements.ts';

/** The versions that the project is developed with. */
const INSTALLED = resolve(import.meta.dirname, '../../node_modules/.bin');

export const RUNTIMES = ['node', 'bun', 'deno'] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

/** Of `--runtimes node,bun`. Throws for a name that is none. */
export function parseRuntimes(list: string): RuntimeName[] {
  return list.split(',').map((name) => {
    const known = RUNTIMES.find((one) => one === name);
    if (known === undefined) throw new Error(`--runtimes: there is no ${name}, only ${RUNTIMES.join(', ')}`);
    return known;
  });
}

/** `flags`: of the runtime, before the file. Throws when the runtime is neither in the checkout nor on the PATH. */
export function inNamespaceCommand(
  name: RuntimeName,
  file: string,
  flags: readonly string[] = [],
): [program: string, ...args: string[]] {
  const first = name === 'deno' ? ['run', '--allow-all'] : [];
  return ['unshare', ...USER_NAMESPACE, '--net', find(name), ...first, ...flags, file];
}

function find(name: string): string {
  const folders = [INSTALLED, ...(process.env['PATH'] ?? '').split(delimiter)];
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  if (found === undefined) throw new Error(`${name} is missing: npm install brings it`);
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
