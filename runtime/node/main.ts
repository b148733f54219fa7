#!/usr/bin/env node
/**
 * `peerage` on Node, and wg(8) or wg-quick(8) when it is called through a link of that name. What only some commands need is
 * loaded when they need it, so that the others start at once.
 */
import { basename } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { createPorts } from '../linux/ports.ts';
import { uapiClient } from '../linux/uapi-client.ts';
import { chooseCrypto } from './choose-crypto.ts';

const ports = createPorts({
  self: [process.execPath, fileURLToPath(import.meta.url)],
  crypto: chooseCrypto(),
  uapi: uapiClient,
  services: {
    startTunnel: async (name, options) => (await import('./run-tunnel.ts')).startTunnel(name, options),
    runTunnel: async (name, options) => (await import('./run-tunnel.ts')).runTunnel(name, options),
    serveRegistry: async (options) => (await import('./serve-registry.ts')).serveRegistry(options),
  },
});

// Not process.exit(): output that is still on its way into a pipe would be lost.
const [, path = '', ...args] = process.argv;
process.exitCode = await run(basename(path));

async function run(name: string): Promise<number> {
  if (name === 'wg') return (await import('../../src/cli/wg/wg.ts')).runWg(args, ports);
  if (name === 'wg-quick')
    return (await import('../../src/cli/quick/wg-quick.ts')).runWgQuick(args, ports, [process.execPath, path]);
  return (await import('../../src/cli/program.ts')).runProgram(args, ports);
}
