/**
 * Everything in one file, as runtime/bun/build-binary.ts compiles it: `peerage`, and each program by whose name it is called,
 * through a link or as the first argument. Each loads what it needs itself.
 */
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import process from 'node:process';
import { which } from 'bun';
import type { Runtime } from '../linux/runtime.ts';
import { runtime } from './runtime.ts';

const DAEMON = 'peerage-tun';
const embedded = (name: string) => new URL(name, import.meta.url);

const link = calledAs();
const binary: Runtime = {
  ...runtime,
  readDocsFile: async (name) => new Uint8Array(await readFile(embedded(name))),
  workers: { poll: embedded('poll-worker.js'), fast: embedded('fast-worker.js') },
  peerage: [process.execPath],
  calledAs: [link],
  peerageTun: [process.execPath, DAEMON],
  linkTargets: { peerage: process.execPath, peerageTun: process.execPath },
  licences: () => readFile(embedded('licences.txt'), 'utf8'),
};

const args = process.argv.slice(2);
if (basename(link) === DAEMON) await runPeerageTun(args);
else if (args[0] === DAEMON) await runPeerageTun(args.slice(1));
else await (await import('../linux/main.ts')).runMain(binary);

async function runPeerageTun(args: string[]): Promise<void> {
  await (await import('../linux/peerage-tun.ts')).runPeerageTun(binary, args);
}

/** As the shell was told it: a bare name is looked up on the PATH. Bun names the file that the link leads to. */
function calledAs(): string {
  const { argv0 } = process;
  return argv0.includes('/') ? resolve(argv0) : (which(argv0) ?? argv0);
}
