/** Deno. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readDocsFile } from '../linux/docs-files.ts';
import type { Runtime } from '../linux/runtime.ts';
import { FLAGS, tunnelFlags } from './flags.ts';

// Beside this file, and JavaScript where this file is.
const here = (name: string) => new URL(`${name}${import.meta.url.slice(-'.ts'.length)}`, import.meta.url);
const command = (flags: readonly string[], path: string) => [process.execPath, 'run', ...flags, path] as const;

// Programs that start no tunnel need not be allowed to look.
const isAllowed = Deno.permissions.querySync({ name: 'env', variable: 'PEERAGE_KEYLOG' }).state === 'granted';
const keyLogFile = isAllowed ? (process.env['PEERAGE_KEYLOG'] ?? '') : undefined;

export const runtime: Runtime = {
  name: 'deno',
  loadFfi: async () => (await import('./ffi.ts')).ffi,
  openDatabase: async (file) => (await import('./database.ts')).openDatabase(file),
  startHttpServer: async (options) => (await import('./http-server.ts')).startHttpServer(options),
  readDocsFile,
  workers: { poll: here('poll-worker'), fast: here('fast-worker') },
  peerage: command(FLAGS.peerage, fileURLToPath(here('main'))),
  calledAs: command(FLAGS.peerage, process.argv[1] ?? ''),
  peerageTun: command(tunnelFlags({ keyLogFile }), fileURLToPath(here('peerage-tun'))),
};
