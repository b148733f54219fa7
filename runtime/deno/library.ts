/** `import ... from 'peerage/deno'`: what a program of one's own needs of Linux, on Deno. docs/guide/library.md shows how. */
import type { OpenDatabase } from '../linux/database.ts';
import { openPorts as open, type LinuxPorts, type OpenPortsOptions } from '../linux/open-ports.ts';
import { runtime } from './runtime.ts';

export type { OpenDatabase } from '../linux/database.ts';
export type { LinuxPorts, OpenPortsOptions } from '../linux/open-ports.ts';

/** TUN devices, UDP sockets, clock and crypto for `createTunnel`. Starts one thread, until `close()`. */
export function openPorts(options?: OpenPortsOptions): Promise<LinuxPorts> {
  return open(runtime, options);
}

/** A file of SQLite for `createRegistry`, made with mode 0600 when it is not there. Rejects with UserError when that cannot be. */
export function openDatabase(file: string): Promise<OpenDatabase> {
  return runtime.openDatabase(file);
}
