/** Prints how many copies of a key are in memory, under the provider that is named. A program of key-copies.ts. */
import process from 'node:process';
import { chooseCrypto } from '../../../runtime/node/choose-crypto.ts';
import { countKeyCopies } from '../../conformance/key-copies.ts';

process.stdout.write(JSON.stringify(countKeyCopies(chooseCrypto(process.argv[2]))));
