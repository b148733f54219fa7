/**
 * `peerage`, and wg(8) or wg-quick(8) when it is called by that name. What only some commands need is loaded
 * when they need it, so that the others start at once.
 */
import { basename } from 'node:path';
import process from 'node:process';
import type { Ports } from '../../src/cli/ports.ts';
import { createPorts } from './ports.ts';
import type { OwnProgram } from './processes.ts';
import type { Runtime } from './runtime.ts';
import { uapiClient } from './uapi-client.ts';

/** Runs what the command line says, and sets the exit code. */
export async function runMain(runtime: Runtime): Promise<void> {
  const ports = createPorts({
    own: ownProgram(runtime),
    crypto: async () => (await import('./choose-crypto.ts')).chooseCrypto(runtime),
    uapi: uapiClient,
    services: {
      startTunnel: async (...args) => (await import('./tunnel-process.ts')).startTunnel(runtime, ...args),
      runTunnel: async (...args) => (await import('./tunnel-process.ts')).runTunnel(runtime, ...args),
      serveRegistry: async (options) => (await import('./serve-registry.ts')).serveRegistry(runtime, options),
      databases: {
        backup: async (files) => (await import('./database-copies.ts')).backupDatabase(runtime, files),
        export: async (files) => (await import('./database-copies.ts')).exportDatabase(runtime, files),
        restore: async (files) => (await import('./database-restore.ts')).restoreDatabase(runtime, files),
        read: async (...args) => (await import('./foreign-database.ts')).readForeign(runtime, ...args),
      },
    },
  });
  // Not process.exit(): output that is still on its way into a pipe would be lost.
  process.exitCode = await run(runtime, ports, process.argv.slice(2));
}

function ownProgram({ peerage, linkTargets, licences }: Runtime): OwnProgram {
  return { self: peerage, ...(linkTargets && { linkTargets }), ...(licences && { licences }) };
}

async function run({ calledAs }: Runtime, ports: Ports, args: string[]): Promise<number> {
  const name = basename(calledAs.at(-1) ?? '', '.ts'); // on Deno each of them is a file of its own
  if (name === 'wg') return (await import('../../src/cli/wg/wg.ts')).runWg(args, ports);
  if (name === 'wg-quick') return (await import('../../src/cli/quick/wg-quick.ts')).runWgQuick(args, ports, calledAs);
  return (await import('../../src/cli/program.ts')).runProgram(args, ports);
}
