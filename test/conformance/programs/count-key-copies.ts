/** Prints how many copies of a key are in memory, under the provider that is named. A program of key-copies.ts. */
import process from 'node:process';
import { chooseCrypto } from '../../../runtime/linux/choose-crypto.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { countKeyCopies } from '../key-copies.ts';

process.stdout.write(JSON.stringify(countKeyCopies(await chooseCrypto(runtime, process.argv[2]))));
