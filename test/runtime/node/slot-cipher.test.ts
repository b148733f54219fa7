/** The workers' AEAD on Node. */
import process from 'node:process';
import { ffi } from '../../../runtime/node/ffi.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

// Distributions link it with their own OpenSSL, which hides what is not public.
const { node_shared_openssl: isShared } = process.config.variables;

slotCipherConformance(ffi, isShared ? ['split', 'whole'] : ['direct', 'split', 'whole']);
