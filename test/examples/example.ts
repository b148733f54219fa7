/** Runs an example as a reader would: its own process, nothing handed in. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');

/** What it printed, its addresses and keys included. Throws when it fails or prints an error. */
export async function runExample(path: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { cwd: ROOT });
  if (stderr !== '') throw new Error(`${path} wrote to stderr:\n${stderr}`);
  return stdout;
}
