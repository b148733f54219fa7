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
import { createProcesses, type OwnProgram } from './processes.ts';
import { createTerminal } from './terminal.ts';

export interface RuntimeParts {
  own: OwnProgram;
  crypto: Ports['crypto'];
  uapi: UapiClient;
  services: Omit<Services, 'sleep'>;
}

export function createPorts({ own, crypto, uapi, services }: RuntimeParts): Ports {
  return {
    terminal: createTerminal(),
    files,
    processes: createProcesses(own),
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
