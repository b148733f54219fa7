/** Runs `peerage` as a person does: a process of its own, and what it prints. */
import { spawn } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../runtime/node/main.ts', import.meta.url));

export interface Run {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
}

export function peerage(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return run(process.execPath, [MAIN, ...args], options);
}

/** Any program, to compare with. */
export function run(program: string, args: readonly string[], { input = '', env = {} }: RunOptions = {}): Promise<Run> {
  const child = spawn(program, args, { env: { ...process.env, ...env } });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.on('error', () => undefined).end(input); // it may end before it has read
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, ...output }));
  });
}
