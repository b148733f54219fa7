/**
 * A host of the lab: its own network, processes, name, /etc, /run and /var/lib.
 */
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Namespace } from './namespace.ts';
import { resultWithin, startProcess } from './process.ts';
import type { ProcessResult, RunOptions, RunningProcess, Signal } from './process.ts';
import { SYSTEM_PATH } from './requirements.ts';
import { waitFor } from './wait.ts';
import type { WaitOptions } from './wait.ts';

const execute = promisify(execFile);

/** What takes so long hangs, on however slow a machine. */
const DEFAULT_TIMEOUT_MS = 300_000;
const ANSWER_TIMEOUT_S = 30;

const ENVIRONMENT = {
  PATH: `/run/bin:${dirname(process.execPath)}:${SYSTEM_PATH}`,
  HOME: '/run/home',
  TMPDIR: '/run/tmp',
  LANG: 'C.UTF-8',
};

export class Host implements AsyncDisposable {
  readonly name: string;
  readonly #namespace: Namespace;

  constructor(name: string, namespace: Namespace) {
    this.name = name;
    this.#namespace = namespace;
  }

  /** Its first process, as this machine counts. */
  get pid(): number {
    return this.#namespace.pid;
  }

  /** The command line with which a person on this machine gets a shell in here. */
  get enterCommand(): string {
    return [...this.#namespace.enter('net', 'mount', 'uts', 'pid'), 'env', `PATH=${ENVIRONMENT.PATH}`, 'bash'].join(
      ' ',
    );
  }

  /** Starts a program and leaves it running. */
  async spawn(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunningProcess> {
    const enter = this.#namespace.enter('net', 'mount', 'uts', 'pid');
    const kill = async (pid: number, signal: Signal): Promise<void> => {
      await this.run('kill', ['-s', signal.slice(3), `${pid}`]);
    };
    return startProcess(enter, [program, ...args], { env: { ...ENVIRONMENT, ...options.env }, kill });
  }

  /** Runs a program to its end; every exit code is a result. */
  async run(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<ProcessResult> {
    const running = await this.spawn(program, args, options);
    if (options.input !== undefined) running.write(options.input);
    running.endInput();
    return resultWithin(running, options.timeoutMs ?? DEFAULT_TIMEOUT_MS, `${this.name}# ${program} ${args.join(' ')}`);
  }

  /** Runs a program that must succeed; resolves to its standard output. */
  async output(program: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await this.run(program, args, options);
    if (exitCode !== 0)
      throw new Error(`${this.name}# ${program} ${args.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`);
    return stdout;
  }

  /** Runs lines of ip(8), all of which must succeed. */
  async ip(...lines: string[]): Promise<void> {
    await this.output('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Gives one of its interfaces to another host: it arrives down and without addresses. */
  async moveInterface(name: string, to: Host): Promise<void> {
    // Outside of the process namespace, so that the number is this machine's.
    const [nsenter, ...args] = [...this.#namespace.enter('net'), 'ip', 'link', 'set', name, 'netns', `${to.pid}`];
    await execute(nsenter, args);
  }

  /** Ends all its processes. Its network is gone with them, unless somebody elsewhere holds on to it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace[Symbol.asyncDispose]();
  }

  /** Runs a command (or anything else) again until it comes out true. */
  async waitFor<T>(
    what: string,
    condition: (host: Host) => T | Promise<T>,
    options?: WaitOptions,
  ): Promise<Exclude<T, undefined | false>> {
    return waitFor(`${this.name}: ${what}`, () => condition(this), options);
  }

  /** One ping that must be answered: no matter how late, as the machine may be busy. */
  async ping(address: string, ...options: string[]): Promise<void> {
    await this.output('ping', ['-n', '-c', '1', '-W', `${ANSWER_TIMEOUT_S}`, ...options, address]);
  }

  /** Whether one ping is answered within a second: for what must not be answered, and to be asked again. */
  async canPing(address: string, ...options: string[]): Promise<boolean> {
    return (await this.run('ping', ['-n', '-c', '1', '-W', '1', ...options, address])).exitCode === 0;
  }

  /** Names that resolve on this host from now on. */
  async addNames(names: Readonly<Record<string, readonly string[]>>): Promise<void> {
    const lines = Object.entries(names).flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}\n`),
    );
    await this.output('tee', ['-a', '/etc/hosts'], { input: lines.join('') });
  }
}
