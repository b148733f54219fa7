/** Node. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readDocsFile } from '../linux/docs-files.ts';
import type { Runtime } from '../linux/runtime.ts';

// Beside this file, and JavaScript where this file is.
const here = (name: string) => new URL(`${name}${import.meta.url.slice(-'.ts'.length)}`, import.meta.url);
const bin = (name: string) => fileURLToPath(new URL(`bin/${name}.js`, import.meta.url));
const command = (name: string) => [process.execPath, fileURLToPath(here(name))] as const;

export const runtime: Runtime = {
  name: 'node',
  loadFfi: async () => (await import('./ffi.ts')).ffi,
  openDatabase: async (file) => (await import('./database.ts')).openDatabase(file),
  startHttpServer: async (options) => (await import('./http-server.ts')).startHttpServer(options),
  readDocsFile,
  workers: { poll: here('poll-worker'), fast: here('fast-worker') },
  peerage: command('main'),
  calledAs: [process.execPath, process.argv[1] ?? ''],
  peerageTun: command('peerage-tun'),
  linkTargets: { peerage: bin('peerage'), peerageTun: bin('peerage-tun') },
};
