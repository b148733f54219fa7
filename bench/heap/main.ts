/**
 * `npm run bench:heap`: ten million packets the whole way through the stages of both workers, on Node, Bun and Deno: how much the
 * heap has grown, and how often it was collected meanwhile.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { whyNoLab } from '../../test/interop/lab/requirements.ts';
import { parseRuntimes, RUNTIMES } from '../stages/runtimes.ts';
import { measureHeap } from './run.ts';

const USAGE = `usage: npm run bench:heap -- [--runtimes ${RUNTIMES.join(',')}] [--packets 10000000]\n`;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parse();
  if (options === undefined) return 2;
  const reason = whyNoLab();
  if (reason !== undefined) return complain(`no TUN to measure on: ${reason}`);
  console.log('| runtime | packets | heap before, KB | after, KB | resident, MB | collections | packets to each |');
  console.log('|---|---|---|---|---|---|---|');
  for (const runtime of options.runtimes) {
    const { packets, before, after, resident, collections } = await measureHeap(runtime, options.packets);
    const each = collections === 0 ? '-' : Math.round(packets / collections).toLocaleString('en');
    const cells = [runtime, packets.toLocaleString('en'), kilobytes(before), kilobytes(after)];
    console.log(`| ${[...cells, (resident / 1e6).toFixed(0), collections, each].join(' | ')} |`);
  }
  return 0;
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        runtimes: { type: 'string', default: RUNTIMES.join(',') },
        packets: { type: 'string', default: '10000000' },
      },
    });
    const packets = Number(values.packets);
    if (!Number.isSafeInteger(packets) || packets < 1)
      throw new Error(`--packets: a whole number, not ${values.packets}`);
    return { runtimes: parseRuntimes(values.runtimes), packets };
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

function complain(message: string): number {
  process.stderr.write(`bench: ${message}\n`);
  return 1;
}
