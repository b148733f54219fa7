/** A tunnel of the name of the first argument whose workers come from the module of the second, as many each way as the third says. Its log goes to standard error. */
import process from 'node:process';
import { runTunnel } from '../../../../runtime/linux/run-tunnel.ts';
import { startPoller } from '../../../../runtime/linux/start-poller.ts';
import { createStderrLog } from '../../../../runtime/linux/stderr-log.ts';
import { runtime, runtimeCrypto } from '../../../runtime/this-runtime.ts';

const [, , name = '', module = '', count = '1'] = process.argv;
const ffi = await runtime.loadFfi();
await runTunnel(name, {
  ffi,
  crypto: runtimeCrypto,
  log: createStderrLog(name, 'info'),
  startPoller: () => startPoller(runtime, ffi),
  fastWorker: new URL(module, import.meta.url),
  workers: { outbound: Number(count), inbound: Number(count) },
});
