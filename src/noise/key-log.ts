/**
 * The key log of a handshake in the format that Wireshark reads (wg.keylog_file), for debugging only: whoever has it can
 * read the traffic. Nothing calls it unless a callback was passed in.
 */
import { encodeBase64 } from '../bytes.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../keys.ts';

/** The secrets of one side of one handshake. */
export interface HandshakeSecrets {
  readonly localStaticPrivate: PrivateKey;
  readonly remoteStaticPublic: PublicKey;
  readonly localEphemeralPrivate: PrivateKey;
  readonly presharedKey: PresharedKey;
}

/** Called with the secrets of each initiation and each response that this host creates. */
export type KeyLog = (secrets: HandshakeSecrets) => void;

/** Four lines. The order matters: an ephemeral or preshared key belongs to the static keys before it. */
export function formatKeyLog(secrets: HandshakeSecrets): string {
  return [
    `LOCAL_STATIC_PRIVATE_KEY = ${encodeBase64(secrets.localStaticPrivate)}`,
    `REMOTE_STATIC_PUBLIC_KEY = ${encodeBase64(secrets.remoteStaticPublic)}`,
    `LOCAL_EPHEMERAL_PRIVATE_KEY = ${encodeBase64(secrets.localEphemeralPrivate)}`,
    `PRESHARED_KEY = ${encodeBase64(secrets.presharedKey)}`,
    '',
  ].join('\n');
}
