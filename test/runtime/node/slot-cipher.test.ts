/** The workers' AEAD on Node. */
import { ffi } from '../../../runtime/node/ffi.ts';
import { slotCipherConformance } from '../../conformance/slot-cipher.ts';

slotCipherConformance(ffi);
