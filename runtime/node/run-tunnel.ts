/** Tunnels on Node: in this process, or in one of their own. */
import { resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../src/errors.ts';
import { runTunnel as run } from '../linux/run-tunnel.ts';
import { reportReady, startDaemon } from '../linux/start-daemon.ts';
import { createStderrLog } from '../linux/stderr-log.ts';
import { chooseCrypto } from './choose-crypto.ts';
import { nodeFfi } from './ffi.ts';
import { openKeyLog } from './key-log-file.ts';
import { startPoller } from './start-poller.ts';

const TUN_FD = 'WG_TUN_FD';
const UAPI_FD = 'WG_UAPI_FD';
const KEY_LOG_VARIABLE = 'PEERAGE_KEYLOG';

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
  const keyLogFile = debug === true ? keyLogPath() : undefined;
  return startDaemon([process.execPath, program, '--foreground', ...options, name], {
    // A daemon has another working directory.
    env: keyLogFile === undefined ? {} : { [KEY_LOG_VARIABLE]: resolve(keyLogFile) },
    descriptors: { ...descriptor(TUN_FD, TUN_FD), ...descriptor(UAPI_FD, UAPI_FD) },
  });
}

/** Runs the tunnel until it ends; in the background it only starts it. Resolves to the exit code. */
export async function runTunnel(name: string, options: TunnelOptions & { foreground: boolean }): Promise<number> {
  if (!options.foreground && process.env['WG_PROCESS_FOREGROUND'] !== '1') {
    await startTunnel(name, options);
    return 0;
  }
  const log = createStderrLog(name, process.env['LOG_LEVEL']);
  const keyLogFile = options.debug === true ? keyLogPath() : undefined;
  await run(name, {
    ffi: nodeFfi,
    startPoller,
    crypto: chooseCrypto(options.crypto),
    log,
    ...(keyLogFile === undefined ? {} : { keyLog: openKeyLog(keyLogFile, log) }),
    ...descriptor('tunFd', TUN_FD),
    ...descriptor('uapiFd', UAPI_FD),
    onReady: reportReady,
  });
  return 0;
}

function keyLogPath(): string | undefined {
  return process.env[KEY_LOG_VARIABLE] || undefined;
}

function descriptor<K extends string>(key: K, variable: string): { [P in K]?: number } {
  const text = process.env[variable];
  if (text === undefined || text === '') return {};
  if (!/^\d+$/.test(text))
    throw new UserError(`${variable} expected the number of a descriptor, got "${text}"`, { exitCode: 2 });
  return { [key]: Number(text) } as { [P in K]?: number }; // the key is K
}
