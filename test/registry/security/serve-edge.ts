/**
 * A registry at the edge in a process of its own, for a test that gives it a small disk, or a host of the lab: over the folder that the
 * first argument names, and at the address that the second does, where hosts can listen then. Prints one line of JSON once it listens, with
 * LOG_LEVEL=info what it logs to stderr, and ends when its parent is gone.
 */
import process from 'node:process';
import { bundleRegistryWorker, startEdgeProcess, type EdgeProcessOptions } from './edge-process.ts';

const [, , folder, address] = process.argv;
if (folder === undefined) throw new TypeError('the first argument names the folder');
const onLog: EdgeProcessOptions['onLog'] = ({ timestamp, message }) =>
  void process.stderr.write(`${new Date(timestamp).toISOString()} ${message}\n`);
const registry = await startEdgeProcess(await bundleRegistryWorker(), folder, {
  ...(address !== undefined && { address, hasBell: true }),
  ...(process.env['LOG_LEVEL'] === 'info' && { onLog }),
});
process.stdout.write(`${JSON.stringify({ url: registry.url, adminKey: registry.adminKey })}\n`);
process.stdin.resume().once('end', () => void registry.kill().then(() => process.exit(0)));
