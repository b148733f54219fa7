/** Tunnels as programs start them: in this process, or in one of their own. */
import { resolve } from 'node:path';
import process from 'node:process';
import { availableParallelism } from 'node:os';
import { UserError } from '../../src/errors.ts';
import { MOST_WORKERS } from '../../src/plane/gate.ts';
import type { WorkerCounts } from '../../src/plane/plane-memory.ts';
import { chooseCrypto } from './choose-crypto.ts';
import { openKeyLog } from './key-log-file.ts';
import { runTunnel as run } from './run-tunnel.ts';
import type { Runtime } from './runtime.ts';
import { reportReady, startDaemon } from './start-daemon.ts';
import { startPoller } from './start-poller.ts';
import { createStderrLog } from './stderr-log.ts';

const TUN_FD = 'WG_TUN_FD';
const UAPI_FD = 'WG_UAPI_FD';
const THREADS_VARIABLE = 'PEERAGE_THREADS';
/** From so many cores on there are two pairs: one cannot use them. */
const CORES_FOR_TWO_PAIRS = 4;
const KEY_LOG_VARIABLE = 'PEERAGE_KEYLOG';

export interface TunnelOptions {
  /** Name of a crypto provider. */
  crypto?: string;
  /** Honours PEERAGE_KEYLOG. */
  debug?: boolean;
  /** `0`: one thread does everything. 1 and 2: one that sends and one that receives. More are shared out between the two. */
  threads?: string;
}

/** Starts the tunnel in a process of its own and returns when its UAPI socket answers. */
export function startTunnel(runtime: Runtime, name: string, { crypto, debug, threads }: TunnelOptions): Promise<void> {
  const options = [
    ...(debug === true ? ['--debug'] : []),
    ...(crypto === undefined ? [] : ['--crypto', crypto]),
    ...(threads === undefined ? [] : ['--threads', threads]),
  ];
  const keyLogFile = debug === true ? keyLogPath() : undefined;
  return startDaemon([...runtime.peerageTun, '--foreground', ...options, name], {
    // A daemon has another working directory.
    env: keyLogFile === undefined ? {} : { [KEY_LOG_VARIABLE]: resolve(keyLogFile) },
    descriptors: { ...descriptor(TUN_FD, TUN_FD), ...descriptor(UAPI_FD, UAPI_FD) },
  });
}

/** Runs the tunnel until it ends; in the background it only starts it. Resolves to the exit code. */
export async function runTunnel(
  runtime: Runtime,
  name: string,
  options: TunnelOptions & { foreground: boolean },
): Promise<number> {
  if (!options.foreground && process.env['WG_PROCESS_FOREGROUND'] !== '1') {
    await startTunnel(runtime, name, options);
    return 0;
  }
  const log = createStderrLog(name, process.env['LOG_LEVEL']);
  const keyLogFile = options.debug === true ? keyLogPath() : undefined;
  const crypto = await chooseCrypto(runtime, options.crypto);
  const ffi = await runtime.loadFfi();
  // The workers have OpenSSL's AEAD: whoever asks for another provider gets it for everything.
  const canHaveThreads = crypto.name === 'libcrypto';
  const threads = readThreads(options.threads);
  await run(name, {
    ffi,
    startPoller: () => startPoller(runtime, ffi),
    crypto,
    log,
    ...(canHaveThreads && threads.number > 0
      ? { fastWorker: runtime.workers.fast, workers: shareOut(threads.number) }
      : {}),
    ...(keyLogFile === undefined ? {} : { keyLog: openKeyLog(keyLogFile, log) }),
    ...descriptor('tunFd', TUN_FD),
    ...descriptor('uapiFd', UAPI_FD),
    onReady() {
      const isInVain = !canHaveThreads && threads.number > 0 && threads.isAskedFor;
      reportReady(ffi, isInVain ? noThreads(threads.number, crypto.name) : undefined);
    },
  });
  return 0;
}

/** Of packets alone. `isAskedFor`: not what there is when nobody says anything. */
function readThreads(option: string | undefined): { number: number; isAskedFor: boolean } {
  const asked = option ?? (process.env[THREADS_VARIABLE] || undefined);
  if (asked === undefined) return { number: availableParallelism() < CORES_FOR_TWO_PAIRS ? 2 : 4, isAskedFor: false };
  if (!/^\d{1,3}$/.test(asked) || Number(asked) > MOST_WORKERS)
    throw new UserError(`the number of threads expected a number up to ${MOST_WORKERS}, got "${asked}"`, {
      exitCode: 2,
    });
  return { number: Number(asked), isAskedFor: true };
}

/** The odd one sends: that costs more than to receive. */
function shareOut(threads: number): WorkerCounts {
  return { outbound: Math.max(1, Math.ceil(threads / 2)), inbound: Math.max(1, Math.floor(threads / 2)) };
}

function noThreads(number: number, provider: string): string {
  return `peerage-tun: one thread instead of ${number}: with the crypto provider "${provider}" packets have none of their own`;
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
