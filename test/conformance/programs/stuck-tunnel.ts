/**
 * A tunnel of the name of the first argument that never comes to its end: on the way there it `waits` for ever, or it `spins`.
 * Says "ready".
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import { runTunnel } from '../../../runtime/linux/run-tunnel.ts';
import { startPoller } from '../../../runtime/linux/start-poller.ts';
import { silentLog } from '../../../src/log.ts';
import { runtime, runtimeCrypto } from '../../runtime/this-runtime.ts';

const [, , name = '', how] = process.argv;
const ffi = await runtime.loadFfi();

function close(): Promise<void> {
  if (how === 'spins') for (;;);
  setInterval(() => {}, 60_000); // else the process would end, since nobody is left to call back
  return new Promise(() => {});
}

await runTunnel(name, {
  ffi,
  crypto: runtimeCrypto,
  log: silentLog,
  startPoller: () => {
    const poller = startPoller(runtime, ffi);
    return { watch: (fd, listener) => poller.watch(fd, listener), close };
  },
  onReady: () => void writeSync(1, 'ready\n'),
  endingLimitS: 1,
});
