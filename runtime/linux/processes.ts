/**
 * The Processes port over node:child_process. No shell anywhere: arguments reach the program as they are.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import type { ProcessResult, Processes } from '../../src/cli/ports.ts';
import { errorCode, systemError } from './system-error.ts';

const NOT_FOUND = 127;
const KILLED = 128;

/** What only the runtime knows of the program. */
export type OwnProgram = Pick<Processes, 'self' | 'linkTargets' | 'licences'>;

export function createProcesses(own: OwnProgram): Processes {
  return {
    ...own,
    run,
    has,
    spawnSelf: (args, options) => spawnDetached([...own.self, ...args], options.logFile),
    kill(pid, signal) {
      try {
        return process.kill(pid, signal);
      } catch (error) {
        if (errorCode(error) === 'ESRCH') return false;
        throw systemError(`cannot end process ${pid}`, error);
      }
    },
    isAlive(pid) {
      try {
        return process.kill(pid, 0);
      } catch (error) {
        return errorCode(error) === 'EPERM'; // alive, but of another user
      }
    },
    interrupted,
    runtime: runtimeVersion(),
    pid: process.pid,
    isRoot: process.getuid?.() === 0,
    env: process.env,
    hostname: hostname(),
  };
}

function run(
  program: string,
  args: readonly string[],
  options: { input?: string; env?: Record<string, string>; output?: 'capture' | 'inherit' } = {},
): Promise<ProcessResult> {
  const outputTo = options.output === 'inherit' ? 'inherit' : 'pipe';
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? inputWithout(options.output) : 'pipe', outputTo, outputTo],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  // A program that does not read its input closes the pipe; its exit code tells whether that matters.
  child.stdin?.on('error', () => undefined).end(options.input);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (errorCode(error) === 'ENOENT')
        resolve({ exitCode: NOT_FOUND, stdout: '', stderr: `${program}: not found\n` });
      else reject(systemError(`cannot run ${program}`, error));
    });
    // Pipes stay open as long as a program in the background holds them; what is captured needs their end.
    child.on(outputTo === 'inherit' ? 'exit' : 'close', (exitCode: number | null) =>
      resolve({ exitCode: exitCode ?? KILLED, ...output }),
    );
  });
}

/** What talks where this process talks may ask there as well: a hook that reads an answer. Other programs must not wait for one. */
function inputWithout(output: 'capture' | 'inherit' | undefined): 'inherit' | 'ignore' {
  return output === 'inherit' ? 'inherit' : 'ignore';
}

async function has(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const found = await Promise.all(
    folders.map((folder) =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

async function spawnDetached(command: readonly string[], logFile: string | undefined): Promise<{ pid: number }> {
  const [program = '', ...args] = command;
  const log = logFile === undefined ? undefined : await open(logFile, 'a', 0o600);
  try {
    const output = log?.fd ?? 'ignore';
    const child = spawn(program, args, { detached: true, stdio: ['ignore', output, output] });
    const pid = await startedPid(child);
    child.unref();
    return { pid };
  } catch (error) {
    throw systemError(`cannot start ${program}`, error);
  } finally {
    await log?.close();
  }
}

function startedPid(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0)); // a spawned process has one
  });
}

/** Bun and Deno have a version of Node as well: that which they are compatible with. */
function runtimeVersion(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}

/** The second signal finds the default again, so that a person can always end what hangs. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      process.off('SIGINT', end).off('SIGTERM', end);
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}
