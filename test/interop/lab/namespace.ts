/**
 * One set of anonymous namespaces and the process that keeps it alive.
 */
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { isUnprivileged } from './requirements.ts';

export class Namespace implements AsyncDisposable {
  /** The first process of the namespace, as this machine counts. */
  readonly pid: number;
  readonly #child: ChildProcessWithoutNullStreams;

  private constructor(pid: number, child: ChildProcessWithoutNullStreams) {
    this.pid = pid;
    this.#child = child;
  }

  /** Runs a command line that makes namespaces and execs one of the scripts of init.ts in them. */
  static async open(command: readonly string[]): Promise<Namespace> {
    const [program, ...args] = command;
    const child = spawn(program!, args, { stdio: 'pipe' });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => {}); // it may have ended on its own
    for await (const line of createInterface({ input: child.stdout })) return new Namespace(Number(line), child);
    throw new Error(`no namespace: ${stderr}`);
  }

  /** The command line that enters these namespaces; a program and its arguments follow. */
  enter(...kinds: ('net' | 'mount' | 'uts' | 'pid')[]): string[] {
    // A process of the same user namespace may not enter it again.
    const user = isUnprivileged ? ['--user', '--preserve-credentials'] : [];
    return ['nsenter', `--target=${this.pid}`, ...user, ...kinds.map((kind) => `--${kind}`)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin.end();
    await exit;
  }
}
