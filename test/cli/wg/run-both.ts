/**
 * A program: for each command line of a JSON list on its standard input, what Debian's wg(8) and ours print, how they end and what they
 * tell the tunnel wg0. Ours runs in this process, so that hundreds of them take seconds. Prints a JSON list of what they came to.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { createPorts } from '../../../runtime/linux/ports.ts';
import { runWg } from '../../../src/cli/wg/wg.ts';
import { nobleCrypto } from '../../../src/crypto/noble.ts';
import type { BothInput, Outcome } from './beside-wg.ts';

const { cases, file: path } = JSON.parse(await text(process.stdin)) as BothInput; // of beside-wg.ts
/** What the tunnel answers to a get. */
let state = '';
/** What the tunnel was told since it was asked last. */
let told = '';
mkdirSync('/run/wireguard', { recursive: true });
const server = createServer((socket) => {
  let request = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    request += chunk;
    if (!request.endsWith('\n\n')) return;
    socket.end(answer(request));
    request = '';
  });
  socket.on('error', () => socket.destroy()); // who only looks whether somebody is there hangs up
});
await new Promise<void>((resolve) => server.listen('/run/wireguard/wg0.sock', resolve));

function answer(request: string): string {
  if (request.startsWith('get=1')) return state;
  told += request;
  return 'errno=0\n\n';
}

const ports = createPorts({
  own: { self: ['false'] },
  crypto: () => Promise.resolve(nobleCrypto),
  uapi: { interfaces: async () => ['wg0'], exchange: async (_, request) => answer(request) },
  services: {
    startTunnel: () => Promise.reject(new Error('not here')),
    runTunnel: () => Promise.reject(new Error('not here')),
    serveRegistry: () => Promise.reject(new Error('not here')),
    databases: {
      backup: () => Promise.reject(new Error('not here')),
      export: () => Promise.reject(new Error('not here')),
      restore: () => Promise.reject(new Error('not here')),
      read: () => Promise.reject(new Error('not here')),
    },
  },
});

async function ours(args: readonly string[]): Promise<Outcome> {
  const output = { stdout: '', stderr: '' };
  const terminal = {
    ...ports.terminal,
    stdout: (more: string) => void (output.stdout += more),
    stderr: (more: string) => void (output.stderr += more),
  };
  told = '';
  const exitCode = await runWg(args, { ...ports, terminal });
  return { exitCode, ...output, told };
}

async function theirs(args: readonly string[]): Promise<Outcome> {
  told = '';
  const child = spawn('/usr/bin/wg', args, { argv0: 'wg', stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 128)));
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { exitCode, stdout, stderr, told };
}

const outcomes: { theirs: Outcome; ours: Outcome }[] = [];
for (const { args, file, state: next = 'errno=0\n\n' } of cases) {
  state = next;
  rmSync(path, { force: true });
  if (file !== undefined) writeFileSync(path, file);
  outcomes.push({ theirs: await theirs(args), ours: await ours(args) });
}
server.close();
process.stdout.write(JSON.stringify(outcomes));
