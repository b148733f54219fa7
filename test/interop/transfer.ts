/** TCP in bulk through a tunnel. */
import assert from 'node:assert/strict';
import type { Tunnel } from './tunnel.ts';

/** What takes so long hangs, on however slow a machine. */
const TIMEOUT_MS = 600_000;

/** The programs that a transfer takes. */
export const TRANSFER_PROGRAMS: readonly string[] = ['ncat', 'sha256sum'];

/** Sends random bytes to an address of the other end, and compares what arrived there. */
export async function transfer(from: Tunnel, to: Tunnel, address: string, bytes: number): Promise<void> {
  const options = { timeoutMs: TIMEOUT_MS };
  await from.host.output('sh', ['-c', `head -c ${bytes} /dev/urandom >/run/tmp/bulk`], options);
  const receiver = await to.host.spawn('sh', ['-c', `ncat -l ${address} 9000 --recv-only | sha256sum`]);
  await to.host.waitFor('it listens', async () => (await to.host.output('ss', ['-Hlnt', 'sport = :9000'])) !== '');
  await from.host.output('sh', ['-c', `ncat --send-only ${address} 9000 </run/tmp/bulk`], options);
  const received = await receiver.result;
  const sent = await from.host.output('sh', ['-c', 'sha256sum </run/tmp/bulk'], options);
  assert.equal(received.stdout, sent);
}
