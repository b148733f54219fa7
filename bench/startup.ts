/**
 * `node bench/startup.ts`: how long small commands of the single binary take from start to end, beside `node --version`. In turn,
 * so that what else the machine does hits all of them; the best and the middle of many rounds, in milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';

const ROOT = resolve(import.meta.dirname, '..');
const BINARY = resolve(ROOT, 'dist/peerage');
const ROUNDS = 40;

type CommandLine = readonly [program: string, ...args: string[]];

const COMMANDS: Readonly<Record<string, CommandLine>> = {
  'node --version': [process.execPath, '--version'],
  'peerage --version': [BINARY, '--version'],
  'peerage --help': [BINARY, '--help'],
  'peerage genkey': [BINARY, 'genkey'],
  'peerage pubkey': [BINARY, 'pubkey'],
  'peerage show': [BINARY, 'show'],
  'the same from the checkout, on Node': [process.execPath, resolve(ROOT, 'runtime/node/main.ts'), 'show'],
};

if (!existsSync(BINARY)) throw new Error('There is no dist/peerage: npm run build:binary');
const times = Object.fromEntries(Object.keys(COMMANDS).map((name): [string, number[]] => [name, []]));
for (let round = 0; round < ROUNDS; round++)
  for (const [name, command] of Object.entries(COMMANDS)) times[name]!.push(timeOf(command));
const reference = summarise(times['node --version']!);
for (const [name, each] of Object.entries(times)) {
  const { best, middle } = summarise(each);
  console.log(
    `${name.padEnd(36)} best ${best.toFixed(0).padStart(4)}   middle ${middle.toFixed(0).padStart(4)}   ` +
      `over node --version: ${(best - reference.best).toFixed(0).padStart(4)} ${(middle - reference.middle).toFixed(0).padStart(4)}`,
  );
}

function timeOf([program, ...args]: CommandLine): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { input: `${'A'.repeat(43)}=\n`, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  return performance.now() - start;
}

function summarise(times: readonly number[]): { best: number; middle: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { best: sorted[0]!, middle: sorted[sorted.length >>> 1]! };
}
