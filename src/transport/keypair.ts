/**
 * A keypair, section 5.4.5: the two transport keys that one handshake made, their counters and the replay window. Which of
 * a peer's keypairs is in use is decided in peer/.
 */
import { wipe } from '../bytes.ts';
import type { MonotonicMs } from '../clock.ts';
import type { Aead, CryptoProvider } from '../crypto/port.ts';
import { ReplayWindow } from './replay-window.ts';

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
  /** The counter of the next message to send; how many were sent. */
  sendCounter: number;
  readonly replayWindow: ReplayWindow;
}

/** Takes `keys` over: both arrays are wiped. */
export function createKeypair(
  crypto: CryptoProvider,
  keys: { readonly send: Uint8Array; readonly receive: Uint8Array },
  input: { localIndex: number; remoteIndex: number; isInitiator: boolean; createdAt: MonotonicMs },
): Keypair {
  const keypair = {
    send: crypto.createAead(keys.send),
    receive: crypto.createAead(keys.receive),
    localIndex: input.localIndex,
    remoteIndex: input.remoteIndex,
    isInitiator: input.isInitiator,
    createdAt: input.createdAt,
    sendCounter: 0,
    replayWindow: new ReplayWindow(),
  };
  wipe(keys.send, keys.receive);
  return keypair;
}

/** Erases both keys. Sealing or opening under the keypair afterwards throws. */
export function destroyKeypair(keypair: Keypair): void {
  keypair.send.destroy();
  keypair.receive.destroy();
}
