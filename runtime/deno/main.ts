#!/usr/bin/env -S deno run --no-prompt --allow-all --unstable-no-legacy-abort
/** `peerage`, wg(8) and wg-quick(8) on Deno. */
import process from 'node:process';
import { runMain } from '../linux/main.ts';
import { runtime } from './runtime.ts';

await runMain(runtime);
// What a client that does not read its answer holds open would hold the process as well. All output goes first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()));
