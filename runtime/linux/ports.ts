/**
 * All ports of the command line, from those that Linux gives every runtime and those that the runtime brings.
 */
import { setTimeout } from 'node:timers/promises';
import type { Ports, Services, UapiClient } from '../../src/cli/ports.ts';
import type { RandomBytes } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { files } from './files.ts';
import { http } from './http.ts';
import { names } from './names.ts';
import { createProcesses } from './processes.ts';
import { createTerminal } from './terminal.ts';

export interface RuntimeParts {
  /** How to start `peerage` itself: a program and its first arguments. */
  self: readonly [program: string, ...args: string[]];
  crypto: Ports['crypto'];
  uapi: UapiClient;
  services: Omit<Services, 'sleep'>;
}

export function createPorts({ self, crypto, uapi, services }: RuntimeParts): Ports {
  return {
    terminal: createTerminal(),
    files,
    processes: createProcesses(self),
    uapi,
    names,
    http,
    services: { ...services, sleep },
    clock: { monotonic: () => performance.now(), wall: () => Date.now() },
    random: randomBytes,
    crypto,
    log: silentLog,
  };
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted !== true) throw error;
  }
}

const randomBytes: RandomBytes = (length) => globalThis.crypto.getRandomValues(new Uint8Array(length));
