/** Runs child.ts on a runtime, with that runtime's log of collections. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import process from 'node:process';
import { promisify } from 'node:util';
import { inNamespaceCommand, type RuntimeName } from '../stages/runtimes.ts';
import { countCollections, type HeapFigures } from './collections.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const FLAGS: Readonly<Record<RuntimeName, readonly string[]>> = {
  node: ['--expose-gc', '--trace-gc'],
  bun: ['--expose-gc'],
  deno: ['--v8-flags=--expose-gc,--trace-gc'],
};
/** A line for each collection. */
const LONGEST_LOG = 1 << 28;

export interface HeapResult extends HeapFigures {
  readonly collections: number;
}

export async function measureHeap(runtime: RuntimeName, packets: number): Promise<HeapResult> {
  const [program, ...args] = inNamespaceCommand(runtime, CHILD, FLAGS[runtime]);
  const { stdout, stderr } = await promisify(execFile)(program, [...args, String(packets)], {
    env: { ...process.env, BUN_JSC_logGC: '1' },
    maxBuffer: LONGEST_LOG,
  });
  const line = stdout.split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`${runtime} printed no figures:\n${stdout}${stderr}`);
  const figures = JSON.parse(line) as HeapFigures; // child.ts prints them
  return { ...figures, collections: countCollections(runtime === 'bun' ? stderr : stdout) };
}
