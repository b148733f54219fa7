/** The workers' AEAD on Bun. */
import { ffi } from '../../../runtime/bun/ffi.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

slotCipherConformance(ffi, ['split', 'whole']);
