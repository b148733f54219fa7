/** Commands that change the host, one at a time, each shown before it runs as wg-quick(8) shows it. */
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

export type CommandLine = readonly [program: string, ...args: string[]];

type StepPorts = Pick<Ports, 'processes' | 'terminal'>;

/** `[#] ip link set mtu 1420 up dev wg0` */
export function showStep(ports: Pick<Ports, 'terminal'>, text: string): void {
  ports.terminal.stderr(`[#] ${text}\n`);
}

/** Shows and runs it. Throws a UserError when it fails. */
export async function runStep(ports: StepPorts, [program, ...args]: CommandLine, input?: string): Promise<void> {
  const text = [program, ...args].join(' ');
  showStep(ports, text);
  const result = await ports.processes.run(program, args, input === undefined ? {} : { input });
  if (result.exitCode === 0) return;
  if (result.exitCode === 127)
    throw new UserError(`"${program}" is not installed.`, {
      remedy: program === 'ip' ? 'On Debian: apt-get install iproute2' : 'Install it, and try again.',
    });
  throw new UserError(`"${text}" failed: ${(result.stderr || result.stdout).trim() || `exit code ${result.exitCode}`}`);
}

/** Runs it without a word; its standard output, empty when it failed. */
export async function query(ports: StepPorts, [program, ...args]: CommandLine): Promise<string> {
  const result = await ports.processes.run(program, args);
  return result.exitCode === 0 ? result.stdout : '';
}
