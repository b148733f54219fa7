/** Handshakes in the log of a tunnel, at debug: who and which step, never what was in it. */
import type { MonotonicMs } from '../clock.ts';
import type { HandshakeObserver, HandshakeStep } from '../device/contract.ts';
import { TokenBucket } from '../device/token-bucket.ts';
import { formatKey, type PublicKey } from '../keys.ts';
import type { Log } from '../log.ts';

/** Enough for a thousand peers that all handshake every two minutes. */
const LINES = { perSecond: 10, burst: 100 };

const MESSAGES: Readonly<Record<HandshakeStep, string>> = {
  'initiation-sent': 'sent a handshake initiation',
  'initiation-received': 'received a handshake initiation',
  'response-sent': 'sent a handshake response',
  'response-received': 'received a handshake response',
  'cookie-received': 'received a cookie: the peer is under load',
  'given-up': 'the peer did not answer for 90 seconds, giving up',
  'keys-erased': 'erased the keys, which nobody has renewed',
};

/** Says how many steps it had to leave out as soon as there is room again. */
export function createHandshakeLog(log: Log, now: () => MonotonicMs): HandshakeObserver {
  const lines = new TokenBucket(LINES, now());
  let omitted = 0;
  return (step, publicKey) => {
    if (!lines.take(now())) {
      omitted++;
      return;
    }
    if (omitted > 0) log.debug({ omitted }, 'handshakes went on faster than they are logged');
    omitted = 0;
    log.debug({ peer: shortName(publicKey) }, MESSAGES[step]);
  };
}

/** `HIgo…8ykw`, as wireguard-go names peers. */
export function shortName(publicKey: PublicKey): string {
  const key = formatKey(publicKey);
  return `${key.slice(0, 4)}…${key.slice(39, 43)}`;
}
