/**
 * Programs inside namespaces: started through nsenter(1), with everything they print kept.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ProcessResult {
  /** 128 + the number of the signal when it was ended by one, as shells count. */
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  /** After this long the program is killed and the call rejects. */
  timeoutMs?: number;
}

/**
 * None that stops: nsenter(1) stops itself together with its program, and a namespace cannot end while a parent outside of
 * it is too stopped to reap.
 */
export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGKILL' | 'SIGHUP';

/** A program that is running in a namespace. */
export class RunningProcess {
  /** Its process id as the namespace counts. */
  readonly pid: number;
  /** Resolves when it has ended and all who held its output have closed it. */
  readonly result: Promise<ProcessResult>;
  readonly #output: { stdout: string; stderr: string };
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #kill: (pid: number, signal: Signal) => Promise<void>;

  constructor(
    pid: number,
    child: ChildProcessWithoutNullStreams,
    output: { stdout: string; stderr: string },
    kill: (pid: number, signal: Signal) => Promise<void>,
  ) {
    this.pid = pid;
    this.#child = child;
    this.#output = output;
    this.#kill = kill;
    this.result = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), ...output });
      });
    });
  }

  /** What it printed so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  write(input: string | Uint8Array): void {
    this.#child.stdin.write(input);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  async signal(signal: Signal): Promise<void> {
    if (!this.hasExited) await this.#kill(this.pid, signal);
  }

  /** Signals and waits for the end. */
  async stop(signal: Signal = 'SIGTERM'): Promise<ProcessResult> {
    await this.signal(signal);
    return this.result;
  }
}

/**
 * Starts a program behind `enter` (an nsenter command line). A shell tells the process id that the program will have
 * inside its namespace on descriptor 3, and becomes the program: nsenter itself passes no signal on.
 */
export async function startProcess(
  enter: readonly string[],
  command: readonly string[],
  options: { env: Readonly<Record<string, string>>; kill: (pid: number, signal: Signal) => Promise<void> },
): Promise<RunningProcess> {
  const [nsenter, ...args] = [...enter, 'sh', '-c', 'echo $$ >&3; exec 3>&-; exec "$@"', 'sh', ...command];
  const child = spawn(nsenter!, args, { env: options.env, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  child.stdin.on('error', () => {}); // a program may end without reading all its input
  const pid = Number(await firstLine(child.stdio[3] as Readable)); // the fourth pipe asked for above
  if (Number.isNaN(pid)) throw new Error(`cannot enter the namespace to run ${command.join(' ')}: ${output.stderr}`);
  return new RunningProcess(pid, child, output, options.kill);
}

/** Waits for the end, for as long as `timeoutMs`, and kills what has not ended by then. */
export async function resultWithin(
  running: RunningProcess,
  timeoutMs: number,
  commandLine: string,
): Promise<ProcessResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined);
  });
  const result = await Promise.race([running.result, late]);
  clearTimeout(timer);
  if (result !== undefined) return result;
  await running.signal('SIGKILL');
  throw new Error(`${commandLine} did not end within ${timeoutMs} ms\n${running.stdout}${running.stderr}`);
}

async function firstLine(stream: Readable): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}
