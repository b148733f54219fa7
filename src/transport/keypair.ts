/**
 * A keypair, section 5.4.5: the two transport keys that one handshake made, their counters and the replay window. Which of
 * a peer's keypairs is in use is decided in peer/.
 */
import { wipe } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import type { Aead, CryptoProvider } from '../crypto/port.ts';
import { REJECT_AFTER_MESSAGES } from '../noise/constants.ts';
import { ReplayWindow } from './replay-window.ts';

/** Where a keypair's counters come from. Each is given out once, whoever seals with it. */
export interface SendCounter {
  /** How many were given out: the next one. */
  readonly sent: number;
  /** None from here on; Rekey-After-Messages is half of it. */
  readonly limit: number;
  /** The next one. The caller has seen that `sent` is below `limit`. */
  take(): number;
}

export interface Keypair {
  readonly send: Aead;
  readonly receive: Aead;
  /** Receiver index in datagrams to us. */
  readonly localIndex: number;
  /** Receiver index in datagrams to the peer. */
  readonly remoteIndex: number;
  /** 6.2: only the initiator of a keypair renews it on age. */
  readonly isInitiator: boolean;
  readonly createdAt: MonotonicMs;
  readonly counter: SendCounter;
  readonly replayWindow: ReplayWindow;
}

/** Takes `keys` over: both arrays are wiped. Without a `counter` it counts by itself. */
export function createKeypair(
  crypto: CryptoProvider,
  keys: { readonly send: Uint8Array; readonly receive: Uint8Array },
  input: {
    localIndex: number;
    remoteIndex: number;
    isInitiator: boolean;
    createdAt: MonotonicMs;
    counter?: SendCounter | undefined;
  },
): Keypair {
  const keypair = {
    send: crypto.createAead(keys.send),
    receive: crypto.createAead(keys.receive),
    localIndex: input.localIndex,
    remoteIndex: input.remoteIndex,
    isInitiator: input.isInitiator,
    createdAt: input.createdAt,
    counter: input.counter ?? countFrom(0),
    replayWindow: new ReplayWindow(),
  };
  wipe(keys.send, keys.receive);
  return keypair;
}

/** The counter of a keypair that only one thread seals with. */
export function countFrom(first: number): SendCounter {
  let sent = first;
  return {
    limit: REJECT_AFTER_MESSAGES,
    get sent() {
      return sent;
    },
    take: () => sent++,
  };
}

/** Erases both keys. Sealing or opening under the keypair afterwards throws. */
export function destroyKeypair(keypair: Keypair): void {
  keypair.send.destroy();
  keypair.receive.destroy();
}
