/**
 * Starts a tunnel in a process of its own, which lives on when this one and its terminal are gone.
 *
 * The daemon writes a line to a pipe when its UAPI socket answers: empty, or what the user should know. Until then its messages
 * are ours; if it ends instead, they become the error. Descriptors that were handed to us are handed on.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { UserError } from '../../src/errors.ts';
import type { Ffi } from './ffi.ts';
import { loadLibc } from './libc.ts';
import { Memory } from './memory.ts';

const READY_FD = 3;
const READY = '\n';
const READY_VARIABLE = 'PEERAGE_READY_FD';

export interface DaemonOptions {
  /** Besides our own environment. */
  env?: Readonly<Record<string, string>>;
  /** By the variable that tells the daemon their numbers, which are others there than here. */
  descriptors?: Readonly<Record<string, number>>;
}

/** `command` must call `reportReady` in time. Resolves when it did; throws UserError with what it said when it did not. */
export async function startDaemon(
  command: readonly [program: string, ...args: string[]],
  { env = {}, descriptors = {} }: DaemonOptions = {},
): Promise<void> {
  const [program, ...args] = command;
  // As wireguard-go: a daemon is silent unless somebody asked for its log.
  const log = process.env['LOG_LEVEL'] === undefined ? 'pipe' : 'inherit';
  const renumbered = Object.keys(descriptors).map((variable, i) => [variable, String(READY_FD + 1 + i)] as const);
  const child = spawn(program, args, {
    detached: true,
    cwd: '/',
    env: {
      ...process.env,
      ...env,
      ...Object.fromEntries(renumbered),
      WG_PROCESS_FOREGROUND: '1',
      [READY_VARIABLE]: String(READY_FD),
    },
    stdio: ['ignore', 'ignore', log, 'pipe', ...Object.values(descriptors)],
  });
  const ended = once(child, 'close'); // rejects when it could not be started
  let messages = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (messages += text));
  const start = readFirst(child.stdio[READY_FD] as Readable); // a pipe, see above
  const ready = await Promise.race([start, ended.then(() => '')]);
  if (!ready.endsWith(READY)) {
    await ended;
    throw new UserError(messages.trim() || 'the tunnel ended before it was ready', {
      exitCode: child.exitCode === 2 ? 2 : 1,
    });
  }
  if (ready !== READY) process.stderr.write(ready);
  child.stderr?.destroy();
  child.unref();
}

/** Tells the process that started this one, if it wants to know, or whoever is there, what the user should know of it. */
export function reportReady(ffi: Ffi, warning = ''): void {
  const fd = process.env[READY_VARIABLE];
  if (fd === undefined) {
    if (warning !== '') process.stderr.write(`${warning}${READY}`);
    return;
  }
  delete process.env[READY_VARIABLE];
  // Not node:fs: Deno's knows no descriptor that it has not opened itself.
  const { write, close } = loadLibc(ffi);
  const line = `${warning}${READY}`; // in one piece, as it is shorter than PIPE_BUF
  const text = new Memory(ffi, line.length + 1);
  text.setText(0, line);
  write(Number(fd), text.at(0), ffi.size(line.length));
  close(Number(fd));
}

/** What comes first; empty when nothing comes. Not all until the end, which Deno does not see. */
async function readFirst(stream: Readable): Promise<string> {
  for await (const chunk of stream) return String(chunk);
  return '';
}
