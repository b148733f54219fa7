/**
 * How fast a responder answers initiations, and what one costs it. A burst of so many peers as neither implementation takes
 * for an attack, with a few on their way at a time: what is measured is the DH work, not the queue.
 */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { formatKey, parsePublicKey, type PresharedKey, type PrivateKey } from '../../src/keys.ts';
import { writeMacs } from '../../src/noise/cookie.ts';
import { createInitiation, createRemoteStatic, createStaticKeys } from '../../src/noise/handshake.ts';
import { Tai64nSource } from '../../src/noise/tai64n.ts';
import { OUTSIDE, PORT, type Pair } from '../../test/interop/pair.ts';
import type { Tunnel } from '../../test/interop/tunnel.ts';

const CLIENT = fileURLToPath(new URL('handshake-client.ts', import.meta.url));
/** Peerage is under load from 100 a second on, wireguard-go from 128 in its queue on. */
const BURST = 90;

export async function handshakes({
  initiator,
  responder,
}: Pair): Promise<{ perSecond: number; cpuMicroseconds: number }> {
  const { messages, publicKeys } = createInitiations(responder.publicKey);
  await responder.setPeers(publicKeys.map((key, i) => [key, { allowedIps: [`192.168.0.${i}/32`] }] as const));
  const before = await cpuNanoseconds(responder);
  const { stdout } = await initiator.host.run('node', [CLIENT, OUTSIDE.responder[4], `${PORT}`], { input: messages });
  const spent = (await cpuNanoseconds(responder)) - before;
  const { answered, seconds } = JSON.parse(stdout) as { answered: number; seconds: number }; // what our client prints
  if (answered < BURST) throw new Error(`${answered} of ${BURST} initiations were answered`);
  return { perSecond: answered / seconds, cpuMicroseconds: spent / 1000 / answered };
}

/** One after the other, 148 bytes each, from hosts that have never been heard of. */
function createInitiations(responder: string): { messages: Uint8Array; publicKeys: string[] } {
  const key = parsePublicKey(responder)!; // of wg pubkey
  const nobody = new Uint8Array(32) as PresharedKey;
  const timestamp = new Tai64nSource().next(Date.now());
  const made = Array.from({ length: BURST }, (_, senderIndex) => {
    const local = createStaticKeys(nobleCrypto, new Uint8Array(randomBytes(32)) as PrivateKey);
    const remote = createRemoteStatic(nobleCrypto, local, key, nobody)!; // no key of low order
    const ephemeralPrivate = new Uint8Array(randomBytes(32)) as PrivateKey;
    const { message } = createInitiation(nobleCrypto, local, remote, { senderIndex, ephemeralPrivate, timestamp });
    writeMacs(nobleCrypto, message, remote.mac1Key);
    return { message, publicKey: formatKey(local.publicKey) };
  });
  return {
    messages: new Uint8Array(Buffer.concat(made.map(({ message }) => message))),
    publicKeys: made.map(({ publicKey }) => publicKey),
  };
}

/** Time on a core of all threads; finer than the ticks of /proc/PID/stat. */
async function cpuNanoseconds({ host, daemon }: Tunnel): Promise<number> {
  const text = await host.output('sh', ['-c', `cat /proc/${daemon.pid}/task/*/schedstat`]);
  return text
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + Number(line.split(' ')[0]), 0);
}
