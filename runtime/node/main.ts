#!/usr/bin/env node
/**
 * `peerage` on Node. What only some commands need is loaded when they need it, so that the others start at once.
 */
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../src/cli/program.ts';
import type { UapiClient } from '../../src/cli/ports.ts';
import { createPorts } from '../linux/ports.ts';
import { chooseCrypto } from './choose-crypto.ts';

const loadUapi = async (): Promise<UapiClient> => (await import('../linux/uapi-client.ts')).uapiClient;

const ports = createPorts({
  self: [process.execPath, fileURLToPath(import.meta.url)],
  crypto: chooseCrypto(),
  uapi: {
    interfaces: async () => (await loadUapi()).interfaces(),
    exchange: async (name, request) => (await loadUapi()).exchange(name, request),
  },
  services: {
    startTunnel: async (name, options) => (await import('./run-tunnel.ts')).startTunnel(name, options),
    runTunnel: async (name, options) => (await import('./run-tunnel.ts')).runTunnel(name, options),
    serveRegistry: async (options) => (await import('./serve-registry.ts')).serveRegistry(options),
  },
});

// Not process.exit(): output that is still on its way into a pipe would be lost.
process.exitCode = await runProgram(process.argv.slice(2), ports);
