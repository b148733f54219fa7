/** Ports with which commands can be looked at and explained, but not run. */
import type { Ports } from '../../src/cli/ports.ts';

/** `said` hears all output. */
export function quietPorts(said: string[]): Ports {
  const terminal = {
    stdout: (text: string) => void said.push(text),
    stderr: (text: string) => void said.push(text),
    columns: Infinity,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
  };
  return { terminal } as unknown as Ports; // building the commands needs no more
}
