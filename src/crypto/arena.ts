/**
 * The AEAD of the fast path: ChaCha20-Poly1305 over packets in an arena that never moves, so that a provider computes its
 * addresses once. As Aead of port.ts, but for the places: byte offsets into the arena instead of a buffer, and room around
 * each packet that the provider may use, which spares it a copy.
 */
import { type CryptoProvider, TAG_BYTES } from './port.ts';

/** Before each packet: scratch of the provider. A caller writes its header there after sealing, and reads it before opening. */
export const ROOM_BEFORE = 64;
/** Ciphers are fastest in steps of this many bytes: the rest of the last step behind a packet is scratch, too. */
const STEP_BYTES = 512;

/** Bytes that a packet of `length` needs from its first on, the tag and the scratch behind it included. */
export function roomFor(length: number): number {
  return Math.ceil((ROOM_BEFORE + length) / STEP_BYTES) * STEP_BYTES - ROOM_BEFORE + 2 * TAG_BYTES;
}

/** One key. Offsets are multiples of 16 with ROOM_BEFORE bytes before them and `roomFor(length)` from them on. */
export interface ArenaAead {
  /** Encrypts `length` bytes at `packet` in place; the tag follows them. */
  seal(counter: number, packet: number, length: number): void;
  /**
   * Verifies the tag behind the `length` bytes at `sealed`, and only then lets their plaintext be at `opened`: when the tag is
   * wrong, false comes back and nothing readable is in the arena. The ciphertext's place is scratch afterwards.
   */
  open(counter: number, sealed: number, opened: number, length: number): boolean;
  /** Erases the key. Calls after this throw. */
  destroy(): void;
}

export interface ArenaCrypto {
  /** `key`: 32 bytes, copied. */
  createAead(key: Uint8Array): ArenaAead;
}

/** Any provider, on an arena: what a provider that knows nothing of arenas costs is a copy per opened packet. */
export function onArena(crypto: CryptoProvider, arena: Uint8Array): ArenaCrypto {
  return {
    createAead(key) {
      const aead = crypto.createAead(key);
      return {
        seal: (counter, packet, length) => aead.seal(counter, arena, packet, length),
        open(counter, sealed, opened, length) {
          arena.copyWithin(opened, sealed, sealed + length + TAG_BYTES);
          return aead.open(counter, arena, opened, length);
        },
        destroy: () => aead.destroy(),
      };
    },
  };
}
