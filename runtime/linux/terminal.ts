/**
 * The Terminal port over the process's own streams.
 */
import { once } from 'node:events';
import { constants, fstatSync } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import type { Terminal } from '../../src/cli/ports.ts';
import { errorCode, systemError } from './system-error.ts';

const DEFAULT_COLUMNS = 80;

export function createTerminal(): Terminal {
  const stderr = writer(process.stderr, () => {});
  const stdout = writer(process.stdout, (error) => {
    stderr(`peerage: ${systemError('cannot write what was asked for', error).message}\n`);
    // Last: the command itself may have done all else.
    process.once('exit', () => (process.exitCode = 1));
  });
  const wantsColour = (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';
  return {
    stdout,
    stderr,
    stdin: readStdin,
    stdoutIsTerminal: process.stdout.isTTY && wantsColour,
    stderrIsTerminal: process.stderr.isTTY && wantsColour,
    stdoutIsWorldAccessible: isWorldAccessible(process.stdout.fd),
    columns: process.stdout.isTTY ? process.stdout.columns || DEFAULT_COLUMNS : Infinity,
    ask,
  };
}

/** All of standard input as text. */
export async function readStdin(): Promise<string> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  // The question is a message: standard output stays clean for results.
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const closed = once(reader, 'close').then(() => undefined);
  const left = (error: unknown): undefined => {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
  };
  try {
    const answer = await Promise.race([reader.question(question).catch(left), closed]);
    if (answer !== undefined) return answer;
    // Ctrl+C or Ctrl+D, which runtimes tell in two ways: an answer that says nothing.
    process.stderr.write('\n');
    return '';
  } finally {
    reader.close();
  }
}

function isWorldAccessible(fd: number): boolean {
  const status = fstatSync(fd);
  return status.isFile() && (status.mode & constants.S_IRWXO) !== 0;
}

/**
 * `peerage up wg0 2>&1 | head -1` closes the pipe early, which is no failure of ours, and no reason to stop in mid-work: what is
 * still to be said is said to nobody. `onLost`: it could not be written, as on a full disk.
 */
function writer(stream: NodeJS.WriteStream, onLost: (error: unknown) => void): (text: string) => void {
  let isClosed = false;
  const close = (error: unknown): void => {
    if (!isClosed && errorCode(error) !== 'EPIPE') onLost(error);
    isClosed = true;
  };
  stream.on('error', close);
  return (text) => {
    if (isClosed) return;
    try {
      stream.write(text);
    } catch (error) {
      close(error); // Deno tells it here
    }
  };
}
