#!/usr/bin/env bun
/** `peerage`, wg(8) and wg-quick(8) on Bun. */
import { runMain } from '../linux/main.ts';
import { runtime } from './runtime.ts';

await runMain(runtime);
