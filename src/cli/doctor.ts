/** `peerage doctor`: what is wrong with this host and its interfaces, and the line to type about it. */
import { UserError } from '../errors.ts';
import { expectInterfaceName } from './config-file.ts';
import type { Finding, Severity } from './doctor/finding.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { createStyle } from './style.ts';

export const addDoctor: AddCommand = (program, ports) => {
  const command = program
    .command('doctor')
    .description('find what keeps tunnels from working on this host, and what to do about it')
    .argument('[interface]', 'only this one; otherwise all that are configured or up')
    .option('--json', 'for machines')
    .action(async (name: string | undefined, options: { json?: true }) => {
      if (name !== undefined) expectInterfaceName(name);
      const { examine } = await import('./doctor/examine.ts');
      const progress = createProgress(ports);
      const findings = await examine(ports, name, progress.show);
      progress.clear();
      ports.terminal.stdout(
        options.json === true ? `${JSON.stringify(findings, undefined, 2)}\n` : describe(findings, ports),
      );
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      if (errors > 0) throw new UserError(`${errors} ${errors === 1 ? 'error' : 'errors'} to mend`);
    });
  addExamples(command, [
    ['sudo peerage doctor', 'look at this host and all its interfaces'],
    ['sudo peerage doctor wg0', 'look at one'],
    ['sudo peerage doctor --json', 'for machines; exit code 1 when there is an error'],
  ]);
};

function describe(findings: readonly Finding[], { terminal }: Ports): string {
  const { green, yellow, red, bold, dim } = createStyle(terminal.stdoutIsTerminal);
  const words: Readonly<Record<Severity, string>> = {
    ok: green('ok     '),
    warning: yellow('warning'),
    error: red('error  '),
  };
  const lines = findings.flatMap(({ severity, subject, what, remedy }) => [
    `${words[severity]}  ${bold(subject)}: ${what}`,
    ...(remedy === undefined ? [] : [`           ${dim(remedy)}`]),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

/** One line that is written over and over, for a person who waits. */
function createProgress({ terminal }: Ports): { show: (what: string) => void; clear: () => void } {
  const write = (text: string): void => {
    if (terminal.stderrIsTerminal) terminal.stderr(`\r\x1b[K${text}`);
  };
  return { show: (what) => write(`Looking at ${what} ...`), clear: () => write('') };
}
