/** The workers' AEAD on Deno. */
import { ffi } from '../../../runtime/deno/ffi.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

slotCipherConformance(ffi, ['split', 'whole']);
