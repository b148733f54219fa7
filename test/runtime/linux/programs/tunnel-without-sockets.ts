/** A tunnel of the name of the first argument that gets as many sockets as the second says. Its error goes to standard error. */
import process from 'node:process';
import type { Ffi, FfiLibrary, FfiSignature } from '../../../../runtime/linux/ffi.ts';
import { runTunnel } from '../../../../runtime/linux/run-tunnel.ts';
import { startPoller } from '../../../../runtime/linux/start-poller.ts';
import { silentLog } from '../../../../src/log.ts';
import { runtime, runtimeCrypto } from '../../../runtime/this-runtime.ts';

const [, , name = '', count = ''] = process.argv;
const real = await runtime.loadFfi();
let left = Number(count);

const ffi: Ffi = {
  ...real,
  load<Names extends string>(library: string, symbols: Readonly<Record<Names, FfiSignature>>): FfiLibrary<Names> {
    const loaded = real.load(library, symbols);
    if (!('socket' in loaded)) return loaded;
    const { socket } = loaded as FfiLibrary<'socket'>;
    return { ...loaded, socket: (...args: Parameters<typeof socket>) => (left-- > 0 ? socket(...args) : -1) };
  },
};

try {
  await runTunnel(name, {
    ffi,
    crypto: runtimeCrypto,
    log: silentLog,
    startPoller: () => startPoller(runtime, ffi),
    fastWorker: runtime.workers.fast,
  });
} catch (error) {
  process.stderr.write(`${String(error)}\n`);
  process.exitCode = 1;
}
