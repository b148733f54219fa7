/** Said before a secret goes to standard output, in the words of wg(8). */
import type { Terminal } from './ports.ts';

export function warnWhenOthersCanRead(terminal: Terminal): void {
  if (!terminal.stdoutIsWorldAccessible) return;
  terminal.stderr('Warning: writing to world accessible file.\nConsider setting the umask to 077 and trying again.\n');
}
