/** The constants of the WireGuard paper, sections 5.4 and 6.1. Times in milliseconds, the rest in counts or bytes. */

/** Section 5.4: Construction, Identifier and the two labels, as they are hashed. */
export const CONSTRUCTION = 'Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s';
export const IDENTIFIER = 'WireGuard v1 zx2c4 Jason@zx2c4.com';
export const LABEL_MAC1 = 'mac1----';
export const LABEL_COOKIE = 'cookie--';

/**
 * Section 6.1 says 2^60 and 2^64 - 2^13 - 1. Counters are numbers here, exact up to 2^53; a keypair that is given up
 * earlier than the peer expects is only stricter, and 2^53 messages cannot be reached within Reject-After-Time.
 * Rekey-After-Messages is half of it.
 */
export const REJECT_AFTER_MESSAGES = 2 ** 53;

export const REKEY_AFTER_TIME_MS = 120_000;
export const REJECT_AFTER_TIME_MS = 180_000;
export const REKEY_ATTEMPT_TIME_MS = 90_000;
export const REKEY_TIMEOUT_MS = 5_000;
/** Random delay added to Rekey-Timeout, exclusive: keeps two peers from retransmitting in step. */
export const REKEY_TIMEOUT_JITTER_MS = 334;
export const KEEPALIVE_TIMEOUT_MS = 10_000;
/** 6.2: on receive the initiator rekeys once a keypair is this old, so that the old one is still good meanwhile. */
export const REKEY_ON_RECEIVE_AFTER_MS = REJECT_AFTER_TIME_MS - KEEPALIVE_TIMEOUT_MS - REKEY_TIMEOUT_MS;
/** 6.5: data was sent and nothing came back for this long: handshake anew. */
export const NEW_HANDSHAKE_AFTER_MS = KEEPALIVE_TIMEOUT_MS + REKEY_TIMEOUT_MS;
/** 6.3: all key material of a peer is erased after this long without a new session. */
export const ERASE_KEYS_AFTER_MS = 3 * REJECT_AFTER_TIME_MS;

/** 5.4.7: a cookie secret changes, and a cookie expires, after this long. */
export const COOKIE_SECRET_LIFETIME_MS = 120_000;
/** A received cookie is used for a little less, so that it does not expire on its way back. */
export const COOKIE_LATENCY_MS = 5_000;

/** Two initiations of one peer are consumed at least this far apart. */
export const INITIATION_INTERVAL_MS = 20;

/** 5.4.6: inner packets are padded with zeros to a multiple of this, but never past the MTU. */
export const PADDING_MULTIPLE = 16;

/** Packets staged for one peer while it has no keypair; the oldest is dropped. */
export const STAGED_PACKETS = 128;
