/** Commands that change the host, one at a time, each shown before it runs as wg-quick(8) shows it. */
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

export type CommandLine = readonly [program: string, ...args: string[]];

export interface Step {
  command: CommandLine;
  /** What the program reads from its standard input. */
  input?: string;
  /** Instead of the command itself: wg-quick hands over its input as a file, /dev/fd/63. */
  shown?: string;
}

type StepPorts = Pick<Ports, 'processes' | 'terminal'>;

/** A program failed. What it had to say has been shown by then, as under wg-quick(8). */
export class StepError extends UserError {
  /** The exit code of the program. */
  readonly status: number;

  constructor(message: string, status: number, options: { remedy?: string } = {}) {
    super(message, options);
    this.status = status;
  }
}

/** `[#] ip link set mtu 1420 up dev wg0` */
export function showStep(ports: Pick<Ports, 'terminal'>, text: string): void {
  ports.terminal.stderr(`[#] ${text}\n`);
}

/** Shows and runs it, and passes on what it complains of. Throws a StepError when it fails. */
export async function runStep(ports: StepPorts, step: CommandLine | Step): Promise<void> {
  const { command, input, shown = command.join(' ') } = 'command' in step ? step : { command: step };
  const [program, ...args] = command;
  showStep(ports, shown);
  const { exitCode, stdout, stderr } = await ports.processes.run(program, args, input === undefined ? {} : { input });
  if (exitCode === 127)
    throw new UserError(`"${program}" is not installed.`, {
      remedy: program === 'ip' ? 'On Debian: apt-get install iproute2' : 'Install it, and try again.',
    });
  if (exitCode === 0) return ports.terminal.stderr(stderr);
  // Some programs complain on their standard output.
  ports.terminal.stderr(stderr || stdout);
  throw new StepError(`"${shown}" failed with exit code ${exitCode}`, exitCode);
}

/** As `runStep`, but a failure is only shown: for what takes things back, and has to go on. */
export async function tryStep(ports: StepPorts, step: CommandLine | Step): Promise<void> {
  try {
    await runStep(ports, step);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
  }
}

/** Runs it without a word; its standard output, empty when it failed. */
export async function query(ports: StepPorts, [program, ...args]: CommandLine): Promise<string> {
  const result = await ports.processes.run(program, args);
  return result.exitCode === 0 ? result.stdout : '';
}
