/**
 * A registry at the edge in a process of its own, for a test that gives it a small disk: over the folder that the first argument
 * names. Prints one line of JSON once it listens, and ends when its parent is gone.
 */
import process from 'node:process';
import { bundleWorker, startEdgeProcess } from './edge-process.ts';

const [, , folder] = process.argv;
if (folder === undefined) throw new TypeError('the first argument names the folder');
const registry = await startEdgeProcess(await bundleWorker(), folder);
process.stdout.write(`${JSON.stringify({ url: registry.url, adminKey: registry.adminKey })}\n`);
process.stdin.resume().once('end', () => void registry.kill().then(() => process.exit(0)));
