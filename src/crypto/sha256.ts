/** SHA-256 (FIPS 180-4) of short texts: two to four microseconds, where Node has Web Crypto ask another thread and takes sixty. */
export { sha256 } from '@noble/hashes/sha2.js';
