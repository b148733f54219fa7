/** Tunnels on Node: in this process, or in one of their own. */
import { appendFileSync, chmodSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/errors.ts';
import { formatKeyLog, type KeyLog } from '../../src/noise/key-log.ts';
import { runTunnel as run } from '../linux/run-tunnel.ts';
import { reportReady, startDaemon } from '../linux/start-daemon.ts';
import { createStderrLog } from '../linux/stderr-log.ts';
import { chooseCrypto } from './choose-crypto.ts';
import { nodeFfi } from './ffi.ts';
import { startPoller } from './start-poller.ts';

export interface TunnelOptions {
  /** Name of a crypto provider. */
  crypto?: string;
  /** Honours PEERAGE_KEYLOG. */
  debug?: boolean;
}

/** Starts the tunnel in a process of its own and returns when its UAPI socket answers. */
export function startTunnel(name: string, { crypto, debug }: TunnelOptions): Promise<void> {
  const options = [...(debug === true ? ['--debug'] : []), ...(crypto === undefined ? [] : ['--crypto', crypto])];
  const program = fileURLToPath(new URL('peerage-tun.ts', import.meta.url));
  return startDaemon([process.execPath, program, '--foreground', ...options, name]);
}

/** Runs the tunnel until it ends; in the background it only starts it. Resolves to the exit code. */
export async function runTunnel(name: string, options: TunnelOptions & { foreground: boolean }): Promise<number> {
  if (!options.foreground && process.env['WG_PROCESS_FOREGROUND'] !== '1') {
    await startTunnel(name, options);
    return 0;
  }
  const keyLog = options.debug === true ? createKeyLog(process.env['PEERAGE_KEYLOG']) : undefined;
  await run(name, {
    ffi: nodeFfi,
    startPoller,
    crypto: chooseCrypto(options.crypto),
    log: createStderrLog(name, process.env['LOG_LEVEL']),
    ...(keyLog === undefined ? {} : { keyLog }),
    ...descriptor('tunFd', 'WG_TUN_FD'),
    ...descriptor('uapiFd', 'WG_UAPI_FD'),
    onReady: reportReady,
  });
  return 0;
}

function descriptor<K extends string>(key: K, variable: string): { [P in K]?: number } {
  const text = process.env[variable];
  if (text === undefined || text === '') return {};
  if (!/^\d+$/.test(text))
    throw new UserError(`${variable} expected the number of a descriptor, got "${text}"`, { exitCode: 2 });
  return { [key]: Number(text) } as { [P in K]?: number }; // the key is K
}

/** Appends to a file that only its owner can read: whoever has it can read the traffic. */
function createKeyLog(file: string | undefined): KeyLog | undefined {
  if (file === undefined || file === '') return undefined;
  appendFileSync(file, '', { mode: 0o600 });
  chmodSync(file, 0o600);
  return (secrets) => appendFileSync(file, formatKeyLog(secrets));
}
