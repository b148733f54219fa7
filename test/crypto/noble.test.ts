/** The reference provider, held to the RFCs; its cross-checks with itself are trivially true here. */
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { cryptoConformance } from '../conformance/crypto.ts';

cryptoConformance(nobleCrypto);
