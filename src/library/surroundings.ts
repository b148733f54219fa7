/**
 * Time, randomness and timers as every JavaScript host has them, for whoever brings no others. The only file of src/ that
 * asks for them; a program that needs better ones (a clock that goes on in sleep) hands in its own.
 */
import { concatBytes } from '../bytes.ts';
import type { Clock, RandomBytes } from '../clock.ts';
import { sha256 as hash } from '../crypto/sha256.ts';
import type { Scheduler } from '../tunnel/scheduler.ts';

const GCM_NONCE_BYTES = 12;

/** `monotonic` may stand still while the machine sleeps. */
export const systemClock: Clock = { monotonic: () => performance.now(), wall: () => Date.now() };

/** `length` bytes (at most 65,536) of Web Crypto. */
export const randomBytes: RandomBytes = (length) => crypto.getRandomValues(new Uint8Array(length));

export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return hash(bytes);
}

/** AES-256-GCM (NIST SP 800-38D): a random nonce of 12 bytes, then the ciphertext with its tag. */
export const sealer = {
  async seal(key: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array> {
    const iv = crypto.getRandomValues(new Uint8Array(GCM_NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv },
      await gcmKey(key, 'encrypt'),
      plaintext.slice(),
    );
    return concatBytes(iv, new Uint8Array(sealed));
  },
  async open(key: Uint8Array, sealed: Uint8Array): Promise<Uint8Array | undefined> {
    const iv = sealed.slice(0, GCM_NONCE_BYTES);
    try {
      const own = await gcmKey(key, 'decrypt');
      return new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, own, sealed.slice(GCM_NONCE_BYTES)));
    } catch {
      return undefined; // Web Crypto says no more than that it failed
    }
  },
};

function gcmKey(key: Uint8Array, use: 'encrypt' | 'decrypt') {
  return crypto.subtle.importKey('raw', key.slice(), 'AES-GCM', false, [use]);
}

export const timerScheduler: Scheduler = {
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  // Not a microtask: sockets and timers would starve.
  soon: (callback) => void setTimeout(callback, 0),
};
