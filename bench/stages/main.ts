/**
 * `npm run bench:stages`: what each stage of the way of a packet costs, in nanoseconds per packet of 1,420 bytes, on Node, Bun
 * and Deno, beside its limit: what the same work costs with none of our code around it.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { parseArgs, promisify } from 'node:util';
import { whyNoLab } from '../../test/interop/lab/requirements.ts';
import { describeMachine } from '../tunnel/machine.ts';
import { inNamespaceCommand, parseRuntimes, RUNTIMES } from './runtimes.ts';
import { PACKET_BYTES } from './sizes.ts';
import { type Figures, formatTable, parseOpensslSpeed, shortest } from './table.ts';

const USAGE = `usage: npm run bench:stages -- [--runtimes ${RUNTIMES.join(',')}] [--rounds 3]\n`;
const LEGEND = `
Nanoseconds per packet of ${PACKET_BYTES} bytes, 44 in a batch: ours / limit, and their ratio. The shortest of all samples of all rounds.
Limits: TUN read and write, send, receive: the same system call through the same FFI with everything prepared.
Split, coalesce: memcpy of the packets, as both read each byte once. Seal, open: openssl speed -evp chacha20-poly1305.
`;
const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parse();
  if (options === undefined) return 2;
  const reason = whyNoLab();
  if (reason !== undefined) return complain(`no TUN to measure on: ${reason}`);
  const children = options.runtimes.map((runtime) => ({
    runtime,
    command: inNamespaceCommand(runtime, CHILD),
    rounds: [] as Figures[],
  }));
  const machine = describeMachine();
  let aead = Infinity;
  for (let round = 1; round <= options.rounds; round++) {
    complain(`round ${round} of ${options.rounds}`);
    aead = Math.min(aead, await measureOpenssl());
    for (const { command, rounds } of children) {
      const [program, ...args] = command;
      const { stdout } = await run(program, args);
      rounds.push(JSON.parse(stdout) as Figures); // child.ts prints one
    }
  }
  const columns = children.map(({ runtime, rounds }) => ({ runtime, figures: shortest(rounds) }));
  process.stdout.write(
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, load ${machine.load.toFixed(1)}\n\n`,
  );
  process.stdout.write(formatTable(columns, aead));
  process.stdout.write(LEGEND);
  return 0;
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        runtimes: { type: 'string', default: RUNTIMES.join(',') },
        rounds: { type: 'string', default: '3' },
      },
    });
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds: a whole number, not ${values.rounds}`);
    return { runtimes: parseRuntimes(values.runtimes), rounds };
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

async function measureOpenssl(): Promise<number> {
  const args = ['speed', '-mr', '-evp', 'chacha20-poly1305', '-bytes', String(PACKET_BYTES), '-seconds', '1'];
  const { stdout } = await run('openssl', args);
  return parseOpensslSpeed(stdout, PACKET_BYTES);
}

function complain(message: string): number {
  process.stderr.write(`bench: ${message}\n`);
  return 1;
}
