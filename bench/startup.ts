/**
 * `node bench/startup.ts [ROUNDS]`: how long small commands of the single binary take from start to end, beside `node --version`,
 * and how long it takes until a tunnel answers on its UAPI socket, beside a program of each runtime that only starts as many threads:
 * what is below that nobody can save. In turn, so that what else the machine does hits all of
 * them; the best and the middle of many rounds, in milliseconds.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { FLAGS } from '../runtime/deno/flags.ts';
import { uapiClient } from '../runtime/linux/uapi-client.ts';
import { GET_REQUEST } from '../src/uapi/format-set.ts';

const ROOT = resolve(import.meta.dirname, '..');
const BINARY = resolve(ROOT, 'dist/peerage');
const DEFAULT_ROUNDS = 40;
const INSIDE = '--inside';
const SOCKETS = '/run/wireguard';

type CommandLine = readonly [program: string, ...args: string[]];

const inRoot = (path: string) => resolve(ROOT, path);
const bin = (name: string) => inRoot(`node_modules/.bin/${name}`);

const COMMANDS: Readonly<Record<string, CommandLine>> = {
  'node --version': [process.execPath, '--version'],
  'peerage --version': [BINARY, '--version'],
  'peerage --help': [BINARY, '--help'],
  'peerage genkey': [BINARY, 'genkey'],
  'peerage pubkey': [BINARY, 'pubkey'],
  'peerage show': [BINARY, 'show'],
  'the same from the checkout, on Node': [process.execPath, inRoot('runtime/node/main.ts'), 'show'],
};

const DAEMONS: Readonly<Record<string, CommandLine>> = {
  'the binary': [BINARY, 'peerage-tun'],
  'Node, from the checkout': [process.execPath, inRoot('runtime/node/peerage-tun.ts')],
  'Node, as in the npm package': [process.execPath, inRoot('dist/npm/runtime/node/peerage-tun.js')],
  'Bun, from the checkout': [bin('bun'), inRoot('runtime/bun/peerage-tun.ts')],
  'Deno, from the checkout': [bin('deno'), 'run', ...FLAGS.tunnel, inRoot('runtime/deno/peerage-tun.ts')],
};

/** Two threads, as a tunnel has, and an end. JavaScript: Node strips types of nothing here. */
const EMPTY = `
import { isMainThread, Worker } from 'node:worker_threads';
if (isMainThread) for (let i = 0; i < 2; i++) new Worker(new URL(import.meta.url));
`;

if (!existsSync(BINARY)) throw new Error('There is no dist/peerage: npm run build:binary');
const words = process.argv.slice(2);
const rounds = Number(words.find((word) => /^\d+$/.test(word)) ?? DEFAULT_ROUNDS);
if (words.includes(INSIDE)) {
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  mkdirSync(SOCKETS);
  await measureCommands();
  await measureFloor();
  await measureTunnels();
} else {
  // Where nobody else's interfaces are.
  const namespaces = [
    '--user',
    '--map-root-user',
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  const again = [process.execPath, import.meta.filename, INSIDE, `${rounds}`];
  process.exitCode = spawnSync('unshare', [...namespaces, ...again], { stdio: 'inherit' }).status ?? 1;
}

async function measureCommands(): Promise<void> {
  const times = await inTurn(COMMANDS, timeOf);
  const reference = summarise(times['node --version']!);
  console.log(`${rounds} rounds, load ${loadavg()[0]!.toFixed(0)}`);
  for (const [name, each] of Object.entries(times)) {
    const { best, middle } = summarise(each);
    const [more, moreInTheMiddle] = [best - reference.best, middle - reference.middle];
    console.log(`${row(name, each)}   over node --version: ${format(more)} ${format(moreInTheMiddle)}`);
  }
}

async function measureFloor(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-startup-'));
  try {
    const file = join(folder, 'empty.mjs');
    writeFileSync(file, EMPTY);
    const times = await inTurn(
      {
        Node: [process.execPath, file],
        Bun: [bin('bun'), file],
        Deno: [bin('deno'), 'run', '--no-prompt', `--allow-read=${folder}`, file],
      },
      timeOf,
    );
    console.log(`an empty program that starts two threads, from start to end: ${rounds} rounds`);
    for (const [name, each] of Object.entries(times)) console.log(row(name, each));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measureTunnels(): Promise<void> {
  const there = Object.entries(DAEMONS).filter(([, command]) =>
    command.every((word) => !word.startsWith(ROOT) || existsSync(word)),
  );
  const times = await inTurn(Object.fromEntries(there), timeUntilAnswer);
  console.log(`until a tunnel answers: ${rounds} rounds, load ${loadavg()[0]!.toFixed(0)}`);
  for (const [name, each] of Object.entries(times)) console.log(row(name, each));
}

async function inTurn(
  commands: Readonly<Record<string, CommandLine>>,
  measure: (command: CommandLine) => number | Promise<number>,
): Promise<Record<string, number[]>> {
  const times = Object.fromEntries(Object.keys(commands).map((name): [string, number[]] => [name, []]));
  for (let round = 0; round < rounds; round++)
    // oxlint-disable-next-line no-await-in-loop -- in turn
    for (const [name, command] of Object.entries(commands)) times[name]!.push(await measure(command));
  return times;
}

function timeOf([program, ...args]: CommandLine): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { input: `${'A'.repeat(43)}=\n`, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
  return performance.now() - start;
}

async function timeUntilAnswer([program, ...args]: CommandLine): Promise<number> {
  const start = performance.now();
  const child = spawn(program, [...args, '-f', 'wg0'], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  // oxlint-disable-next-line no-await-in-loop -- until it is there
  while (!existsSync(`${SOCKETS}/wg0.sock`) && child.exitCode === null) await setImmediate();
  await uapiClient.exchange('wg0', GET_REQUEST);
  const time = performance.now() - start;
  child.kill();
  await ended;
  return time;
}

function row(name: string, times: readonly number[]): string {
  const { best, middle } = summarise(times);
  return `${name.padEnd(36)} best ${format(best)}   middle ${format(middle)}`;
}

function format(ms: number): string {
  return ms.toFixed(0).padStart(4);
}

function summarise(times: readonly number[]): { best: number; middle: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { best: sorted[0]!, middle: sorted[sorted.length >>> 1]! };
}
