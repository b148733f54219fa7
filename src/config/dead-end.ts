/** A peer that nobody is: what is routed to it is dropped. It keeps a default route closed whose exit is gone. */

/**
 * SHA-256 of `peerage: an exit that is gone`, with the last bit cleared as in all public keys. Nobody has the private key of a hash.
 * Not the key of zeros, which systemd-networkd takes for none at all.
 */
export const DEAD_END_KEY = 'fl+ri9phwwcGlzs6PMat2yl3DAAkxjQXxMiSBOKXP0s=';
/** What it is called, where peers have names. */
export const DEAD_END_NAME = 'no-exit';
