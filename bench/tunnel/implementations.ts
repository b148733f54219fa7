/** What is measured, and against what: daemons that take `-f INTERFACE` and are configured by wg(8). */
import { execFileSync } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import type { Implementation } from '../../test/interop/implementation.ts';

const CHECKOUT = resolve(import.meta.dirname, '../..');
const SCRIPTS = join(CHECKOUT, '.cache/bench');

export interface Contender extends Implementation {
  /** What it says of its version, or the runtime's. */
  readonly version: string;
  /** A peer that ours is compared with. */
  readonly isReference: boolean;
}

export const RUNTIMES = ['node', 'bun', 'deno', 'binary'] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

/** Ours on a runtime, or why it cannot be measured here. */
export function ours(name: RuntimeName): Contender | string {
  if (name === 'binary') {
    const program = join(CHECKOUT, 'dist/peerage');
    if (!isExecutable(program)) return 'dist/peerage is missing: npm run build makes it';
    // As `peerage up` and the link of that name start it.
    return contender('binary', script('binary', [program, 'peerage-tun']), {
      version: versionOf(program, '--version'),
    });
  }
  const runtime = find(name);
  if (runtime === undefined) return `${name} is not on the PATH: run this through npm`;
  // As users of Node have it: the package, which Node need not strip of types first. Bun and Deno run the sources.
  const program = join(
    CHECKOUT,
    name === 'node' ? 'dist/npm/runtime/node/peerage-tun.js' : `runtime/${name}/peerage-tun.ts`,
  );
  if (!isReadable(program)) return `${program} is missing: npm run build makes it`;
  const command = name === 'deno' ? [runtime, 'run', '--allow-all', '--no-prompt', program] : [runtime, program];
  return contender(name, script(name, command), { version: versionOf(runtime, '--version') });
}

/** The reference called `command`, a program on the PATH or a path, or why it cannot be measured here. */
export function reference(command: string): Contender | string {
  const program = find(command);
  if (program === undefined) return `${command} is not there`;
  const env = basename(program).startsWith('boringtun')
    ? { WG_SUDO: 'true', WG_LOG_LEVEL: 'error' }
    : { WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD: '1' }; // wireguard-go refuses to start where the kernel could do it
  return contender(basename(program), program, { version: versionOf(program, '--version'), env, isReference: true });
}

function contender(
  name: string,
  program: string,
  { version, env = {}, isReference = false }: { version: string; env?: Record<string, string>; isReference?: boolean },
): Contender {
  return { name, program, env, version, isReference };
}

/** A program of one word for a command of several; it becomes the command, so that its process is the one measured. */
function script(name: string, command: readonly string[]): string {
  mkdirSync(SCRIPTS, { recursive: true });
  const file = join(SCRIPTS, `${name}-tun`);
  const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  writeFileSync(file, `#!/bin/sh\nexec ${words} "$@"\n`);
  chmodSync(file, 0o755);
  return file;
}

function find(command: string): string | undefined {
  if (command.includes('/')) return isExecutable(resolve(command)) ? resolve(command) : undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function versionOf(program: string, flag: string): string {
  try {
    return execFileSync(program, [flag], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 })
      .trim()
      .split('\n')[0]!;
  } catch {
    return 'unknown'; // wireguard-go of some versions takes the flag for a name
  }
}

function isExecutable(file: string): boolean {
  return can(file, constants.X_OK);
}

function isReadable(file: string): boolean {
  return can(file, constants.R_OK);
}

function can(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
