/** By which path this program was called: Bun follows links before it says so, the kernel does not. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';

/** The path of the link or file, whole. What stands behind it on the command line are the program's own arguments. */
export function calledAs(): string {
  const words = readFileSync('/proc/self/cmdline', 'utf8').split('\0').slice(0, -1);
  const own = process.argv.length - 2;
  return resolve(words.at(-1 - own) ?? '');
}
