/** Bun. */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Runtime } from '../linux/runtime.ts';

const here = (file: string) => new URL(file, import.meta.url);
const command = (file: string) => [process.execPath, fileURLToPath(here(file))] as const;

export const runtime: Runtime = {
  name: 'bun',
  loadFfi: async () => (await import('./ffi.ts')).ffi,
  openDatabase: async (file) => (await import('./database.ts')).openDatabase(file),
  startHttpServer: async (options) => (await import('./http-server.ts')).startHttpServer(options),
  workers: { poll: here('poll-worker.ts') },
  peerage: command('main.ts'),
  calledAs: [process.execPath, process.argv[1] ?? ''],
  peerageTun: command('peerage-tun.ts'),
};
