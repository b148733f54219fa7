/** Runs an example as a reader would: its own process, nothing handed in. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');

/** What it printed, its addresses and keys included. Throws when it fails or prints an error. */
export async function runExample(path: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { cwd: ROOT });
  if (stderr !== '') throw new Error(`${path} wrote to stderr:\n${stderr}`);
  return stdout;
}

export interface RunningExample {
  /** What it printed until it was ready. */
  readonly output: string;
  /** Asks it to end. Throws when it does not end well. */
  stop(): Promise<void>;
}

/** Resolves when it has printed what `ready` matches; throws when it ends before. */
export async function startExample(
  path: string,
  ready: RegExp,
  { args = [], env = {} }: { args?: readonly string[]; env?: Record<string, string> } = {},
): Promise<RunningExample> {
  const child = spawn(process.execPath, [path, ...args], { cwd: ROOT, env: { ...process.env, ...env } });
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>; // its documented arguments
  let output = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (ready.test(output)) resolve();
    });
    void closed.then(([code]) => reject(new Error(`${path} ended with ${code}\n${output}${stderr}`)));
  });
  return {
    output,
    async stop() {
      child.kill('SIGTERM');
      const [code, signal] = await closed;
      if (code !== 0 || stderr !== '') throw new Error(`${path} ended with ${code ?? signal}\n${stderr}`);
    },
  };
}
